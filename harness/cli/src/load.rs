//! Reads everything a run needs, and reports all errors of all files at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hil_bench::{BenchFile, BenchKind, Day};
use hil_client::Dialect;
use hil_engine::ratio::Ratio;
use hil_model::reader::{self, PlanContext};
use hil_model::{Diagnostic, FileId, Included, Includes, Plan, Product, SignalId, Sources, load_includes};
use sha2::{Digest, Sha256};

use crate::args::Place;
use crate::assemble::unplaced;
use crate::failure::Failure;
use crate::project::{Project, cause, read};

/// All inputs of a run, checked against each other.
pub struct Loaded {
    /// Where the files are.
    pub project: Project,
    /// The plan, with overrides.
    pub plan: Plan,
    /// Its product.
    pub product: Product,
    /// The bench, not opened.
    pub bench: BenchFile,
    /// Its file.
    pub bench_file: PathBuf,
    /// The dialects that the bench names, by name.
    pub dialects: BTreeMap<String, Dialect>,
    /// The bench is virtual with the instruments of this one, which is real.
    pub like: bool,
    /// Steps that the bench cannot judge, because it lacks what they need, and why.
    pub lacking: BTreeMap<String, String>,
    /// How well each limit can be tested on this bench.
    pub ratios: Vec<Ratio>,
    /// The plan wants to know the unit's serial number.
    pub names_the_unit: bool,
    /// SHA-256 in hex by what it is of.
    pub digests: BTreeMap<String, String>,
}

impl Loaded {
    /// It drives hardware, not the twin in its likeness.
    pub fn is_hardware(&self) -> bool {
        self.bench.kind == BenchKind::Real && !self.like
    }

    /// The bench, as messages and the journal name it.
    pub fn place(&self) -> String {
        if self.like { format!("virtual like {}", self.bench.id) } else { self.bench.id.clone() }
    }
}

/// On which day calibrations must be valid.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    /// The day.
    pub today: Day,
    /// Overdue ones are no error; their uncertainty counts as unknown.
    pub tolerant: bool,
}

/// Reads and checks; calibrations are taken for valid.
///
/// # Errors
/// Every error of every file, rendered for a person.
pub fn load(plan: &Path, bench: &str, parameters: &[String]) -> Result<Loaded, Failure> {
    load_on(plan, bench, parameters, None, None)
}

/// Reads and checks for a bench of the command line. A virtual bench in the
/// likeness of a real one has instruments whose calibration is valid.
///
/// # Errors
/// Every error of every file, rendered for a person.
pub fn load_at(plan: &Path, place: &Place, parameters: &[String], serial: Option<&str>, calendar: Calendar) -> Result<Loaded, Failure> {
    let calendar = place.like.is_none().then_some(calendar);
    let mut loaded = load_on(plan, place.file(), parameters, serial, calendar)?;
    loaded.like = place.like.is_some() && loaded.bench.kind == BenchKind::Real;
    if loaded.like {
        unplaced(&loaded.bench)?;
    }
    Ok(loaded)
}

/// The parameter that a scanned serial number stands for, where a plan has it.
const SERIAL: &str = "unit-serial";

/// Reads and checks, calibrations too if a day is given. A scanned serial takes
/// the place of the parameter `unit-serial`.
///
/// # Errors
/// Every error of every file, rendered for a person.
pub fn load_on(
    plan: &Path,
    bench: &str,
    parameters: &[String],
    serial: Option<&str>,
    calendar: Option<Calendar>,
) -> Result<Loaded, Failure> {
    let plan_text = read(plan, "plan")?;
    let project = Project::around(plan)?;
    let mut overrides = overrides(parameters)?;
    let bench_path = project.bench(bench)?;
    let bench_text = read(&bench_path, "bench")?;
    let mut files = Files::default();
    let plan_id = files.add("plan", plan, plan_text);
    let includes = files.include(plan_id);
    let bench_id = files.add("bench", &bench_path, bench_text);
    let head = reader::peek(&files.sources, plan_id);
    let names_the_unit = head.parameters.contains(SERIAL);
    if let Some(serial) = serial.filter(|_| names_the_unit) {
        let named = overrides.entry(SERIAL.to_owned()).or_insert_with(|| serial.to_owned());
        if named != serial {
            let what = format!("--set: {SERIAL} is `{named}`, --serial is `{serial}`");
            return Err(Failure::invalid(what, Some("a unit has one serial number: leave one of both out")));
        }
    }
    let Some((product_name, span)) = head.product else {
        // Without a product nothing can be resolved; the reader says why.
        let context = PlanContext { product: None, limits: None, overrides: &overrides, bench: &BTreeMap::new() };
        let errors = reader::read_plan(&files.sources, plan_id, context).err().unwrap_or_default();
        return Err(Failure::diagnostics(&files.sources, &errors));
    };
    let product_path = project.product(&product_name);
    if !product_path.is_file() {
        return Err(Failure::diagnostics(&files.sources, &[unknown_product(&project, &product_name, span)]));
    }
    let product_id = files.add("product", &product_path, read(&product_path, "product")?);
    let limits_path = project.limits(&product_name);
    let limits_id = files.add("limits", &limits_path, read(&limits_path, "limits")?);

    let (dialects, read_bench) = read_bench(&files.sources, bench_id, &project, &bench_path)?;
    let no_parameters = BTreeMap::new();
    let given = read_bench.as_ref().map_or(&no_parameters, |bench| &bench.parameters);
    let mut errors = Vec::new();
    let product = keep(reader::read_product(&files.sources, product_id), &mut errors);
    let limits = keep(reader::read_limits(&files.sources, limits_id, product.as_ref()), &mut errors);
    let context = PlanContext { product: product.as_ref(), limits: limits.as_ref(), overrides: &overrides, bench: given };
    let plan = keep(reader::read_plan_with(&files.sources, plan_id, context, &includes), &mut errors);
    let mut bench = keep(read_bench, &mut errors);
    if let Some((bench, calendar)) = bench.as_mut().zip(calendar) {
        errors.extend(calibrations(bench, calendar));
    }
    if let Some((bench, product)) = bench.as_ref().zip(product.as_ref()) {
        errors.extend(unknown_lacks(bench, product));
    }
    if let Some(bench) = &mut bench {
        bench.start_programs_in(&folder_of(&bench_path));
    }
    let (mut ratios, mut lacking) = (Vec::new(), BTreeMap::new());
    if let (Some(plan), Some(bench)) = (&plan, &bench) {
        let abilities = bench.abilities(&dialects);
        let lacks = bench.lacks.iter().map(|(signal, lack)| (signal.clone(), lack.reason.clone())).collect();
        lacking = hil_engine::lacking::not_judged(plan, &lacks);
        let plan = &hil_engine::lacking::judged(plan, &lacking);
        errors.extend(hil_engine::preflight::check(plan, &abilities));
        errors.extend(hil_engine::preflight::programs(plan, bench.extensions.iter().map(|e| e.name.as_str())));
        let kinds = product.iter().flat_map(|p| &p.signals).map(|(id, s)| (id.clone(), s.kind.clone())).collect();
        ratios = hil_engine::ratio::ratios(plan, &abilities, &kinds);
        errors.extend(hil_engine::ratio::too_small(plan, &ratios));
    }
    match (plan, product, bench) {
        (Some(plan), Some(product), Some(bench)) if errors.is_empty() => Ok(Loaded {
            project,
            plan,
            product,
            bench,
            bench_file: bench_path,
            dialects,
            like: false,
            lacking,
            ratios,
            names_the_unit,
            digests: files.digests,
        }),
        _ => Err(Failure::diagnostics(&files.sources, &errors)),
    }
}

/// Signals that the bench says it lacks, and the product has not.
fn unknown_lacks(bench: &BenchFile, product: &Product) -> Vec<Diagnostic> {
    let strange = |(signal, lack): (&SignalId, &hil_bench::Lack)| {
        let known = || product.signals.keys().map(SignalId::as_str);
        let hint = hil_model::diagnostic::nearest(signal.as_str(), known()).map(|n| format!("did you mean `{n}`"));
        let message = format!("lack: the product has no signal `{signal}`");
        (!product.signals.contains_key(signal)).then_some(Diagnostic { message, span: lack.span, hint })
    };
    bench.lacks.iter().filter_map(strange).collect()
}

/// The folder that a file lies in, whatever the present one is.
fn folder_of(file: &Path) -> PathBuf {
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    file.parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// A bench without a plan.
pub struct LoadedBench {
    /// Where the files are.
    pub project: Project,
    /// The bench, not opened.
    pub bench: BenchFile,
    /// The file it was read from.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
    /// The dialects that the bench names, by name.
    pub dialects: BTreeMap<String, Dialect>,
}

/// Reads a bench file only; calibrations are taken for valid.
///
/// # Errors
/// Every error of the file, rendered for a person.
pub fn load_bench(bench: &str) -> Result<LoadedBench, Failure> {
    load_bench_near(Path::new(bench), bench)
}

/// … of the project round `place`.
///
/// # Errors
/// Every error of the file, rendered for a person.
pub fn load_bench_near(place: &Path, bench: &str) -> Result<LoadedBench, Failure> {
    let project = Project::around(place)?;
    let path = project.bench(bench)?;
    let text = read(&path, "bench")?;
    let mut files = Files::default();
    let id = files.add("bench", &path, text.clone());
    let (dialects, bench) = read_bench(&files.sources, id, &project, &path)?;
    let bench = bench.map_err(|errors| Failure::diagnostics(&files.sources, &errors))?;
    Ok(LoadedBench { project, bench, file: path, text, dialects })
}

/// Errors of the bench's calibrations, or none and no trust in them.
fn calibrations(bench: &mut BenchFile, calendar: Calendar) -> Vec<Diagnostic> {
    if calendar.tolerant {
        bench.distrust_overdue(calendar.today);
        return Vec::new();
    }
    bench.overdue(calendar.today)
}

#[derive(Default)]
struct Files {
    sources: Sources,
    digests: BTreeMap<String, String>,
}

impl Files {
    fn add(&mut self, what: &str, path: &Path, text: String) -> FileId {
        self.digests.insert(what.to_owned(), digest(&text));
        self.sources.add(shown(path), text)
    }
}

impl Files {
    /// Reads what a plan includes, relative to the file that does.
    fn include(&mut self, plan: FileId) -> Includes {
        let digests = &mut self.digests;
        let mut home = None;
        load_includes(&mut self.sources, plan, &mut |from, path| {
            let folder = folder_of(Path::new(from));
            let path = std::fs::canonicalize(folder.join(path)).map_err(|e| cause(&e))?;
            // The record says the same wherever the plan was called from.
            let home = home.get_or_insert(folder);
            let from_home = path.strip_prefix(home).unwrap_or(&path).display().to_string();
            let text = std::fs::read_to_string(&path).map_err(|e| cause(&e))?;
            let name = shown(&path);
            digests.insert(format!("include {from_home}"), digest(&text));
            Ok(Included { name, text })
        })
    }
}

/// SHA-256 in hex.
pub fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// Relative to the present folder where that is shorter to read.
fn shown(path: &Path) -> String {
    let relative = std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    relative.as_deref().unwrap_or(path).display().to_string()
}

fn keep<T>(read: Result<T, Vec<Diagnostic>>, errors: &mut Vec<Diagnostic>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(more) => {
            errors.extend(more);
            None
        }
    }
}

fn unknown_product(project: &Project, name: &str, span: hil_model::Span) -> Diagnostic {
    let known = project.products();
    let listed = known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
    let nearest = hil_model::diagnostic::nearest(name, known.iter().map(String::as_str));
    Diagnostic {
        message: format!("plan: unknown product `{name}`, expected one of {listed}"),
        span,
        hint: nearest.map(|n| format!("did you mean `{n}`?")),
    }
}

fn overrides(parameters: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    parameters
        .iter()
        .map(|p| match p.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
            _ => Err(Failure::invalid(format!("--set: `{p}`, expected NAME=VALUE"), Some("write --set load='8 A'"))),
        })
        .try_fold(BTreeMap::new(), |mut all, pair: Result<_, Failure>| {
            let (name, value) = pair?;
            if all.insert(name.clone(), value).is_some() {
                return Err(Failure::invalid(format!("--set: parameter `{name}` is there twice, expected once"), None));
            }
            Ok(all)
        })
}

/// A bench, or all that is wrong with its file.
type ReadBench = Result<BenchFile, Vec<Diagnostic>>;

/// The bench of a file, with the dialects that it names: those of the project, and
/// files of their own, seen from the bench's folder.
fn read_bench(sources: &Sources, file: FileId, project: &Project, bench: &Path) -> Result<(BTreeMap<String, Dialect>, ReadBench), Failure> {
    let text = sources.text(file);
    let own = files_of_their_own(bench, text)?;
    let named = |path: &PathBuf| path.file_stem().is_some_and(|stem| text.contains(&*stem.to_string_lossy()));
    let few: BTreeMap<_, _> = read_all(project.dialects().into_iter().filter(named))?.into_iter().chain(own.clone()).collect();
    let read = BenchFile::read(sources, file, &few);
    if read.is_ok() {
        return Ok((few, read));
    }
    // What is wrong may be a dialect's name: then all of them are told. One that cannot
    // be read is not this bench's.
    let Ok(all) = read_all(project.dialects()) else { return Ok((few, read)) };
    let all: BTreeMap<_, _> = all.into_iter().chain(own).collect();
    let read = BenchFile::read(sources, file, &all);
    Ok((all, read))
}

fn read_all(paths: impl IntoIterator<Item = PathBuf>) -> Result<BTreeMap<String, Dialect>, Failure> {
    let mut all = BTreeMap::new();
    for path in paths {
        let name = path.file_stem().map_or(String::new(), |s| s.to_string_lossy().into_owned());
        all.extend(dialect(&path)?.channels_of(&name));
    }
    Ok(all)
}

fn files_of_their_own(bench: &Path, bench_text: &str) -> Result<BTreeMap<String, Dialect>, Failure> {
    if !bench_text.contains(".toml") {
        return Ok(BTreeMap::new());
    }
    let folder = bench.parent().unwrap_or(Path::new(""));
    let mut all = BTreeMap::new();
    for name in named_files(bench_text) {
        all.extend(dialect(&folder.join(&name))?.channels_of(&name));
    }
    Ok(all)
}

/// A dialect file, each of its errors rendered for a person.
///
/// # Errors
/// All of them.
pub fn dialect(path: &Path) -> Result<Dialect, Failure> {
    let mut sources = Sources::default();
    let file = sources.add(shown(path), read(path, "dialect")?);
    Dialect::read(&sources, file).map_err(|errors| Failure::diagnostics(&sources, &errors))
}

/// The dialects of a bench file that are files of their own. What is wrong with the
/// bench file, its reader says.
fn named_files(bench_text: &str) -> BTreeSet<String> {
    let Ok(bench) = bench_text.parse::<toml::Table>() else { return BTreeSet::new() };
    let instruments = bench.get("instrument").and_then(toml::Value::as_array).into_iter().flatten();
    let names = instruments.filter_map(|i| i.get("dialect")?.as_str());
    names.filter(|name| name.ends_with(".toml")).map(str::to_owned).collect()
}

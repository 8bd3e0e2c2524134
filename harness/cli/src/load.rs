//! Reads everything a run needs, and reports all errors of all files at once.

use std::collections::BTreeMap;
use std::path::Path;

use hil_bench::{BenchFile, Day};
use hil_client::Dialect;
use hil_engine::ratio::Ratio;
use hil_model::reader::{self, PlanContext};
use hil_model::{Diagnostic, FileId, Included, Includes, Plan, Product, Sources, load_includes};
use sha2::{Digest, Sha256};

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
    /// All dialects, by name.
    pub dialects: BTreeMap<String, Dialect>,
    /// How well each limit can be tested on this bench.
    pub ratios: Vec<Ratio>,
    /// SHA-256 in hex by what it is of.
    pub digests: BTreeMap<String, String>,
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

/// The parameter that a scanned serial number stands for, where a plan has it.
const SERIAL: &str = "unit-serial";

/// Reads and checks, calibrations too if a day is given. A scanned serial takes
/// the place of the parameter `unit-serial`, unless `--set` does.
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
    if let Some(serial) = serial.filter(|_| has_parameter(&plan_text, SERIAL)) {
        overrides.entry(SERIAL.to_owned()).or_insert_with(|| serial.to_owned());
    }
    let dialects = dialects(&project)?;
    let bench_path = project.bench(bench)?;
    let bench_text = read(&bench_path, "bench")?;

    let mut files = Files::default();
    let plan_id = files.add("plan", plan, plan_text);
    let includes = files.include(plan_id);
    let bench_id = files.add("bench", &bench_path, bench_text);
    let Some((product_name, span)) = reader::peek_product(&files.sources, plan_id) else {
        // Without a product nothing can be resolved; the reader says why.
        let context = PlanContext { product: None, limits: None, overrides: &overrides };
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

    let mut errors = Vec::new();
    let product = keep(reader::read_product(&files.sources, product_id), &mut errors);
    let limits = keep(reader::read_limits(&files.sources, limits_id, product.as_ref()), &mut errors);
    let context = PlanContext { product: product.as_ref(), limits: limits.as_ref(), overrides: &overrides };
    let plan = keep(reader::read_plan_with(&files.sources, plan_id, context, &includes), &mut errors);
    let mut bench = keep(BenchFile::read(&files.sources, bench_id, &dialects), &mut errors);
    if let Some((bench, calendar)) = bench.as_mut().zip(calendar) {
        errors.extend(calibrations(bench, calendar));
    }
    let mut ratios = Vec::new();
    if let (Some(plan), Some(bench)) = (&plan, &bench) {
        let abilities = bench.abilities(&dialects);
        errors.extend(hil_engine::preflight::check(plan, &abilities));
        let kinds = product.iter().flat_map(|p| &p.signals).map(|(id, s)| (id.clone(), s.kind.clone())).collect();
        ratios = hil_engine::ratio::ratios(plan, &abilities, &kinds);
        errors.extend(hil_engine::ratio::too_small(plan, &ratios));
    }
    match (plan, product, bench) {
        (Some(plan), Some(product), Some(bench)) if errors.is_empty() => {
            Ok(Loaded { project, plan, product, bench, dialects, ratios, digests: files.digests })
        }
        _ => Err(Failure::diagnostics(&files.sources, &errors)),
    }
}

/// A bench without a plan.
pub struct LoadedBench {
    /// Where the files are.
    pub project: Project,
    /// The bench, not opened.
    pub bench: BenchFile,
    /// The text it was read from.
    pub text: String,
    /// All dialects, by name.
    pub dialects: BTreeMap<String, Dialect>,
}

/// Reads a bench file only; calibrations are taken for valid.
///
/// # Errors
/// Every error of the file, rendered for a person.
pub fn load_bench(bench: &str) -> Result<LoadedBench, Failure> {
    let project = Project::around(Path::new(bench))?;
    let dialects = dialects(&project)?;
    let path = project.bench(bench)?;
    let text = read(&path, "bench")?;
    let mut files = Files::default();
    let id = files.add("bench", &path, text.clone());
    let bench = BenchFile::read(&files.sources, id, &dialects).map_err(|errors| Failure::diagnostics(&files.sources, &errors))?;
    Ok(LoadedBench { project, bench, text, dialects })
}

/// Errors of the bench's calibrations, or none and no trust in them.
fn calibrations(bench: &mut BenchFile, calendar: Calendar) -> Vec<Diagnostic> {
    if calendar.tolerant {
        bench.distrust_overdue(calendar.today);
        return Vec::new();
    }
    bench.overdue(calendar.today)
}

/// Whether a plan's text has this parameter; a text that is no TOML has none,
/// and the reader says why.
fn has_parameter(plan: &str, name: &str) -> bool {
    let plan: Option<toml::Table> = plan.parse().ok();
    plan.and_then(|p| p.get("parameters")?.as_table().map(|t| t.contains_key(name))).unwrap_or(false)
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
        load_includes(&mut self.sources, plan, &mut |from, path| {
            let path = Path::new(from).parent().unwrap_or(Path::new("")).join(path);
            let path = std::fs::canonicalize(&path).map_err(|e| cause(&e))?;
            let text = std::fs::read_to_string(&path).map_err(|e| cause(&e))?;
            let name = shown(&path);
            digests.insert(format!("include {name}"), digest(&text));
            Ok(Included { name, text })
        })
    }
}

fn digest(text: &str) -> String {
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

fn dialects(project: &Project) -> Result<BTreeMap<String, Dialect>, Failure> {
    let mut all = BTreeMap::new();
    for path in project.dialects() {
        let text = read(&path, "dialect")?;
        let dialect = Dialect::parse(&text).map_err(|e| Failure::invalid(format!("dialect `{}`: {e}", shown(&path)), None))?;
        let name = path.file_stem().map_or(String::new(), |s| s.to_string_lossy().into_owned());
        all.insert(name, dialect);
    }
    Ok(all)
}

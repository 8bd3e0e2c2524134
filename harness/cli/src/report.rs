//! `hil report`: a run's reports again, from its journal alone; also of a run
//! that was killed, whose journal ends before it does.

use std::io::{BufWriter, Write, stdout};
use std::path::Path;

use hil_record::Event;
use hil_writers::{Integrity, Lang};

use crate::args::{Language, ReportArguments};
use crate::evidence::Evidence;
use crate::failure::Failure;

/// A report that can be made from a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// For people.
    Html,
    /// For statistics.
    Csv,
    /// For CI systems.
    Junit,
    /// For a job's page.
    Markdown,
}

impl Format {
    /// In the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Junit, Self::Csv, Self::Markdown, Self::Html];

    /// Its name in a run folder.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Html => "report.html",
            Self::Csv => "measurements.csv",
            Self::Junit => "junit.xml",
            Self::Markdown => "summary.md",
        }
    }

    fn write(self, (events, integrity): Told<'_>, lang: Lang, out: &mut impl Write) -> std::io::Result<()> {
        match self {
            Self::Html => hil_writers::write_html(events, integrity, lang, out),
            Self::Csv => hil_writers::write_csv(events, out),
            Self::Junit => hil_writers::write_junit(events, integrity, out),
            Self::Markdown => hil_writers::write_markdown(events, integrity, lang, out),
        }
    }

    /// Beside its place and then moved there, so that nobody reads half a
    /// report and a failure keeps the old one.
    ///
    /// # Errors
    /// Names the file and the system's reason.
    pub fn write_file(self, told: Told<'_>, lang: Lang, path: &Path) -> Result<(), String> {
        let mut bytes = Vec::new();
        self.write(told, lang, &mut bytes)
            .and_then(|()| replace(path, &bytes))
            .map_err(|e| format!("cannot write `{}`: {e}", path.display()))
    }
}

/// What a report is made from: events, and whether they are what the run wrote.
pub type Told<'a> = (&'a [Event], &'a Integrity);

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::En => Self::En,
            Language::De => Self::De,
        }
    }
}

/// Writes the reports that were asked for.
///
/// # Errors
/// A journal that cannot be read or holds no run, several reports for one file
/// (exit code 2, once the others are reported); a report that cannot be written, and a run that is damaged,
/// after its intact part was reported (3).
pub fn report(arguments: &ReportArguments) -> Result<u8, Failure> {
    let formats = formats(arguments);
    let lang = arguments.lang.into();
    let (mut runs, mut unread) = (Vec::new(), String::new());
    for run in &arguments.runs {
        match Evidence::of_a_run(run) {
            Ok(evidence) => runs.push(evidence),
            // The others are reported all the same.
            Err(failure) if arguments.out.is_none() => unread.push_str(&failure.text),
            Err(failure) => return Err(failure),
        }
    }
    match &arguments.out {
        None => beside_the_journals(&runs, &formats, lang)?,
        Some(out) => into_one(&runs, &formats, lang, out)?,
    }
    let damaged = runs.iter().filter_map(|run| match run.integrity() {
        Integrity::Broken { what } => Some(format!("error: `{}` was changed after the run: {what}\n", run.path.display())),
        Integrity::Unknown | Integrity::Open { .. } | Integrity::Holds { .. } => None,
    });
    let damaged: String = damaged.collect();
    match (damaged.is_empty(), unread.is_empty()) {
        (true, true) => Ok(0),
        (intact, _) => Err(Failure { text: format!("{damaged}{unread}"), code: if intact { 2 } else { 3 } }),
    }
}

/// One file a report, each in its run's folder.
fn beside_the_journals(runs: &[Evidence], formats: &[Format], lang: Lang) -> Result<(), Failure> {
    for run in runs {
        let integrity = run.integrity();
        for format in formats {
            let path = run.path.with_file_name(format.file_name());
            format
                .write_file((&run.journal.events, &integrity), lang, &path)
                .map_err(|e| Failure::tester(e, Some("`--out FILE` writes elsewhere")))?;
            crate::say(&path.display().to_string());
        }
    }
    Ok(())
}

/// One report into one file; only tables can be joined.
fn into_one(runs: &[Evidence], formats: &[Format], lang: Lang, out: &Path) -> Result<(), Failure> {
    let events: Vec<Event> = match (formats, runs) {
        (&[Format::Csv], _) | (&[_], [_]) => runs.iter().flat_map(|run| run.journal.events.iter().cloned()).collect(),
        (&[_], _) => return Err(Failure::invalid("--out: several runs for one file", Some("only --csv takes several runs into one file"))),
        _ => {
            let hint = "choose one of --csv, --html, --junit, --markdown";
            return Err(Failure::invalid("--out: several reports for one file", Some(hint)));
        }
    };
    let (format, integrity) = (formats[0], runs[0].integrity());
    let told = (events.as_slice(), &integrity);
    if out == Path::new("-") {
        let mut out = BufWriter::new(stdout().lock());
        return format.write(told, lang, &mut out).map_err(|e| Failure::tester(format!("cannot write standard output: {e}"), None));
    }
    format.write_file(told, lang, out).map_err(|e| Failure::tester(e, None))
}

fn formats(arguments: &ReportArguments) -> Vec<Format> {
    let asked = |format| match format {
        Format::Html => arguments.html,
        Format::Csv => arguments.csv,
        Format::Junit => arguments.junit,
        Format::Markdown => arguments.markdown,
    };
    let some: Vec<Format> = Format::ALL.into_iter().filter(|f| asked(*f)).collect();
    if some.is_empty() { Format::ALL.to_vec() } else { some }
}

/// Writes a file beside its place and then moves it there.
///
/// # Errors
/// The operating system's.
pub fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // What is no file (a pipe, /dev/null) cannot be replaced.
    if path.exists() && !path.is_file() {
        return std::fs::write(path, bytes);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    std::fs::write(&part, bytes)?;
    std::fs::rename(&part, path).inspect_err(|_| {
        let _ = std::fs::remove_file(&part);
    })
}

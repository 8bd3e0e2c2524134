//! The command line of what is done with records: `hil report`, `runs`, `verify` and
//! `station`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `hil runs`.
#[derive(Args, Debug)]
pub struct RunsArguments {
    /// Where run folders are.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub out: PathBuf,
}

/// `hil verify`.
#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// Run folders.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// A station's public key, `station.pub` (may be repeated); without it this
    /// station's own.
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,
}

/// `hil station`.
#[derive(Subcommand, Debug)]
pub enum StationCommand {
    /// Make the key with which this station signs its records, once.
    Init(StationInit),
}

/// `hil station init`.
#[derive(Args, Debug)]
pub struct StationInit {
    /// What the station is called in its records.
    #[arg(long, default_value = "station")]
    pub name: String,
}

/// `hil report`.
#[derive(Args, Debug)]
pub struct ReportArguments {
    /// Run folders or journal files, also of runs that were killed.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// The report for people, report.html; without any of these four, all.
    #[arg(long)]
    pub html: bool,
    /// The measurements, measurements.csv.
    #[arg(long)]
    pub csv: bool,
    /// For CI systems, junit.xml.
    #[arg(long)]
    pub junit: bool,
    /// A short summary for a job's page, summary.md.
    #[arg(long)]
    pub markdown: bool,
    /// Language of report.html and summary.md.
    #[arg(long, value_enum, default_value_t)]
    pub lang: Language,
    /// Writes the one report here instead of into the run's folder; `-` is
    /// standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// A report's language.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  hil report runs/20261122T101500Z-HQ2247ABCDE-eol
  hil report runs/20261122T101500Z-HQ2247ABCDE-eol --html --lang de
  hil report runs/* --csv --out all.csv              one table of many runs
  hil report journal.jsonl --markdown --out -";

pub(super) const VERIFY_EXAMPLES: &str = "\
Exit codes: 0 every run is whole and signed by a known key, 2 no such run or key,
3 a record is damaged, 5 nothing is wrong, but not all is proved (not signed, an
unknown key, or cut short).

Examples:
  hil verify runs/*
  hil verify runs/20261122T101500Z-HQ2247ABCDE-eol --key hall-3.pub";

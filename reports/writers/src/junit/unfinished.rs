//! The report of a run that has not ended: it lies where the last one's would
//! otherwise be taken for this one's.

use std::io::Write;

use junit_report::{Duration, ReportBuilder, TestCase, TestSuiteBuilder};

/// One test case, in error.
///
/// # Errors
/// Those of `out`.
pub fn write_unfinished_junit(out: &mut impl Write) -> std::io::Result<()> {
    let case = TestCase::error("run", Duration::ZERO, "unfinished", "the run has not ended; nothing is known of the unit");
    let suite = TestSuiteBuilder::new("hil").add_testcase(case).build();
    let mut xml = Vec::new();
    ReportBuilder::new().add_testsuite(suite).build().write_xml(&mut xml).map_err(std::io::Error::other)?;
    out.write_all(super::round_times(&String::from_utf8_lossy(&xml)).as_bytes())
}

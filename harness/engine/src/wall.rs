//! Wall time of events: the run's beginning plus bench time, so that one run
//! has the same texts whenever it is computed. Knows UTC only.

/// RFC 3339 in UTC with nanoseconds, `2026-11-22T10:15:00.000000000Z`, of
/// nanoseconds since 1970.
pub(crate) fn rfc3339(unix_ns: i128) -> String {
    // Whole seconds of 292 billion years: no run is beyond them.
    let seconds = i64::try_from(unix_ns.div_euclid(1_000_000_000)).unwrap_or(i64::MAX);
    let nanos = unix_ns.rem_euclid(1_000_000_000) as u32;
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
}

/// Year, month and day of days since 1970-01-01. The year begins in March
/// here, so that the leap day is its last; 146 097 days are 400 years.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn knows_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000000000Z"),
            (1_795_342_500, "2026-11-22T10:15:00.000000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000000Z"),
            (-1, "1969-12-31T23:59:59.000000000Z"),
        ] {
            assert_eq!(rfc3339(seconds * 1_000_000_000), text);
        }
        assert_eq!(rfc3339(1_500_000_007), "1970-01-01T00:00:01.500000007Z");
    }
}

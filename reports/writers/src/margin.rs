//! How far a value is from its limits.

use hil_record::{Datum, Measurement};

/// The distance to the nearer limit in per cent: of half the accepted range, so
/// that its middle has 100 %; of the limit itself where there is only one.
/// Negative outside. `None` for text, without limits, and for a single limit at
/// zero, of which nothing is a share. That a time is not below zero says only
/// that an effect came after its cause: nobody measures his distance to that.
pub(crate) fn margin(m: &Measurement) -> Option<f64> {
    let Datum::Number(x) = m.value else { return None };
    let low = m.low.filter(|low| !(m.unit == "s" && *low == 0.0 && x >= 0.0 && m.high.is_some()));
    let per_cent = match (low, m.high) {
        (Some(low), Some(high)) => 100.0 * (x - low).min(high - x) / ((high - low) / 2.0),
        (Some(low), None) => 100.0 * (x - low) / low.abs(),
        (None, Some(high)) => 100.0 * (high - x) / high.abs(),
        (None, None) => return None,
    };
    per_cent.is_finite().then_some(per_cent)
}

/// `25 %`, `-17 %`; never `0 %` for what is outside, nor `-0 %`.
pub(crate) fn margin_text(per_cent: f64) -> String {
    match per_cent {
        x if x < 0.0 && x > -1.0 => "> -1 %".into(),
        x if x > 0.0 && x < 1.0 => "< 1 %".into(),
        x if x > 999.0 => "> 999 %".into(),
        x if x < -999.0 => "< -999 %".into(),
        x => format!("{:.0} %", x.trunc()),
    }
}

/// The measurement that came nearest to a limit, and its margin.
pub(crate) fn worst<'a>(all: impl IntoIterator<Item = &'a Measurement>) -> Option<(&'a Measurement, f64)> {
    all.into_iter().filter_map(|m| margin(m).map(|x| (m, x))).min_by(|a, b| a.1.total_cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::lead;

    #[test]
    fn the_middle_has_a_hundred_per_cent_and_the_limit_none() {
        let of = |x, low, high| margin(&lead(x, low, high));
        assert_eq!(of(9.0, Some(8.0), Some(10.0)), Some(100.0));
        assert_eq!(of(8.5, Some(8.0), Some(10.0)), Some(50.0));
        assert_eq!(of(10.0, Some(8.0), Some(10.0)), Some(0.0));
        assert_eq!(of(11.0, Some(8.0), Some(10.0)), Some(-100.0));
        assert_eq!(of(24.0, Some(30.0), None), Some(-20.0));
        assert_eq!(of(-4.0, Some(-5.0), None), Some(20.0));
        assert_eq!(of(0.25, None, Some(1.0)), Some(75.0));
        assert_eq!(of(1.0, Some(0.0), None), None);
        assert_eq!(of(0.25, Some(0.0), Some(1.0)), Some(75.0));
        assert_eq!(of(-0.5, Some(0.0), Some(1.0)), Some(-100.0));
        assert_eq!(of(f64::NAN, Some(0.0), None), None);
        assert_eq!(of(1.0, None, None), None);
    }

    #[test]
    fn a_margin_is_written_so_that_its_sign_stays() {
        let cases = [(25.7, "25 %"), (-17.2, "-17 %"), (-0.2, "> -1 %"), (0.2, "< 1 %"), (0.0, "0 %"), (4e5, "> 999 %")];
        for (x, text) in cases {
            assert_eq!(margin_text(x), text);
        }
    }
}

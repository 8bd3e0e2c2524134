//! What the unit protects itself from: low supply, heat, overload, and
//! memories that do not check out.

/// What a brown-out may depend on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BrownOutView {
    /// Battery stud, V.
    pub battery_volts: f64,
    /// Off below, V.
    pub off_volts: f64,
    /// On again from, V.
    pub on_volts: f64,
    /// Browned out in the tick before.
    pub was_off: bool,
    /// The voltage has been too low for, ms; `None` while it is not.
    pub low_ms: Option<u32>,
}

/// Rule: off in the first sample too low; a sample that is no number is too low.
#[must_use]
pub fn brown_out(view: &BrownOutView) -> bool {
    let least = if view.was_off { view.on_volts } else { view.off_volts };
    view.battery_volts.is_nan() || view.battery_volts < least
}

/// What the thermal trip may depend on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OverTemperatureView {
    /// Power stage, °C.
    pub temperature_c: f64,
    /// Trips at, °C.
    pub trip_c: f64,
    /// Ends below, °C.
    pub reset_c: f64,
    /// A colder reading is a broken sensor, °C.
    pub plausible_min_c: f64,
    /// Tripped in the tick before.
    pub was_hot: bool,
}

/// Rule: hysteresis, and a broken sensor counts as hot.
#[must_use]
pub fn over_temperature(view: &OverTemperatureView) -> bool {
    let broken = view.temperature_c.is_nan() || view.temperature_c < view.plausible_min_c;
    let hot = if view.was_hot { view.temperature_c >= view.reset_c } else { view.temperature_c >= view.trip_c };
    broken || hot
}

/// What an overload may depend on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OverloadView {
    /// Out of System+, A.
    pub system_amps: f64,
    /// Trips above, A.
    pub trip_amps: f64,
    /// The current has been above that for, ms; `None` while it is not.
    pub over_ms: Option<u32>,
    /// … and trips after, ms.
    pub delay_ms: u32,
    /// It has been a heavy one, but a permitted one, for, ms.
    pub heavy_ms: Option<u32>,
}

/// Rule: above the peak that §4 allows, in either direction; a continuous
/// current that is allowed may last for ever.
#[must_use]
pub fn overload(view: &OverloadView) -> bool {
    view.over_ms.is_some_and(|ms| ms >= view.delay_ms)
}

/// Whether a current is above a level in either direction; no number is not.
pub(crate) fn exceeds(amps: f64, level: f64) -> bool {
    amps > level || amps < -level
}

/// What the unit finds of itself at power-up; a failure stays until repair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SelfTest {
    /// Calibration data are there (else E-B30).
    pub calibration: bool,
    /// Configuration data are there (else E-B31).
    pub configuration: bool,
    /// The reference voltage is right (else E-B33).
    pub reference: bool,
}

impl SelfTest {
    /// All passed.
    #[must_use]
    pub fn passed(self) -> bool {
        self.calibration && self.configuration && self.reference
    }
}

impl Default for SelfTest {
    fn default() -> Self {
        Self { calibration: true, configuration: true, reference: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browns_out_with_hysteresis() {
        let at =
            |battery_volts, was_off| brown_out(&BrownOutView { battery_volts, off_volts: 8.0, on_volts: 8.5, was_off, low_ms: Some(0) });
        assert!(!at(8.0, false));
        assert!(at(7.999, false));
        assert!(at(8.499, true));
        assert!(!at(8.5, true));
        assert!(at(f64::NAN, false) && at(f64::NAN, true));
    }

    #[test]
    fn heat_trips_with_hysteresis_and_a_broken_sensor_is_hot() {
        let at = |temperature_c, was_hot| {
            over_temperature(&OverTemperatureView { temperature_c, trip_c: 85.0, reset_c: 75.0, plausible_min_c: -60.0, was_hot })
        };
        assert!(!at(84.9, false));
        assert!(at(85.0, false));
        assert!(at(75.0, true));
        assert!(!at(74.9, true));
        assert!(!at(-40.0, false));
        assert!(!at(-60.0, false));
        assert!(at(-60.1, false));
        assert!(at(f64::NAN, false));
    }

    #[test]
    fn the_permitted_peak_is_no_overload() {
        let at = |amps| exceeds(amps, 400.0);
        assert!(!at(400.0) && !at(-400.0) && !at(0.0) && !at(f64::NAN));
        assert!(at(400.1) && at(-400.1));
        let view = OverloadView { system_amps: 500.0, trip_amps: 400.0, over_ms: Some(0), delay_ms: 0, heavy_ms: Some(60_000) };
        assert!(overload(&view));
        assert!(!overload(&OverloadView { delay_ms: 1, ..view }) && !overload(&OverloadView { over_ms: None, ..view }));
    }

    #[test]
    fn one_missing_part_fails_the_self_test() {
        let good = SelfTest::default();
        assert!(good.passed());
        for bad in
            [SelfTest { calibration: false, ..good }, SelfTest { configuration: false, ..good }, SelfTest { reference: false, ..good }]
        {
            assert!(!bad.passed());
        }
    }
}

//! Every constant of the firmware in one place. `[P]` marks a proposal of
//! ours where the manual is silent; the rest names its paragraph.
//!
//! Holds numbers only; what they mean is decided in `rules`.

use crate::io::FuseRow;

/// A name that no parameter has, or a value that its type cannot hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamError {
    /// No parameter of this name.
    Unknown,
    /// A count of milliseconds must be whole, not negative, below 2^32.
    NotWhole,
}

trait Number: Sized {
    fn from_f64(value: f64) -> Option<Self>;
    fn to_f64(self) -> f64;
}

impl Number for f64 {
    fn from_f64(value: f64) -> Option<Self> {
        Some(value)
    }
    fn to_f64(self) -> f64 {
        self
    }
}

impl Number for u32 {
    fn from_f64(value: f64) -> Option<Self> {
        let whole = value as Self;
        (f64::from(whole) == value).then_some(whole)
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

/// `charge-limit-ms` is the field `charge_limit_ms`.
fn same_name(kebab: &str, field: &str) -> bool {
    kebab.len() == field.len() && kebab.bytes().zip(field.bytes()).all(|(k, f)| if f == b'_' { k == b'-' } else { k == f })
}

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $value:expr,)*) => {
        /// All constants; `Default` is the reference unit.
        #[derive(Clone, Copy, PartialEq, Debug)]
        pub struct Params {
            $($(#[$doc])* pub $name: $kind,)*
            /// Current limit of the alternator port by fitted fuse, A, in the
            /// order of [`FuseRow::ALL`] (§3.4 table 1).
            pub limiter_amps: [f64; FuseRow::ALL.len()],
        }

        impl Default for Params {
            fn default() -> Self {
                Self {
                    $($name: $value,)*
                    limiter_amps: [9.0, 12.0, 20.0, 25.0, 40.0, 50.0, 60.0, 90.0, 100.0],
                }
            }
        }

        impl Params {
            /// Names of all scalar parameters as fields (write `-` for `_` in [`Self::set`]).
            pub const FIELDS: &[&str] = &[$(stringify!($name)),*];

            /// Sets one scalar parameter by its name in kebab-case.
            ///
            /// # Errors
            /// [`ParamError`] for an unknown name or a broken millisecond.
            pub fn set(&mut self, name: &str, value: f64) -> Result<(), ParamError> {
                $(if same_name(name, stringify!($name)) {
                    self.$name = <$kind as Number>::from_f64(value).ok_or(ParamError::NotWhole)?;
                    return Ok(());
                })*
                Err(ParamError::Unknown)
            }

            /// One scalar parameter by its name in kebab-case.
            #[must_use]
            pub fn get(&self, name: &str) -> Option<f64> {
                $(if same_name(name, stringify!($name)) {
                    return Some(self.$name.to_f64());
                })*
                None
            }
        }
    };
}

params! {
    /// Charging starts above this alternator voltage, V (§2.2, §4: "> 13 V").
    alternator_start_volts: f64 = 13.0,
    /// … once it has lasted this long, ms [P].
    alternator_start_ms: u32 = 100,
    /// Charging stops below this alternator voltage, V [P]: 0.2 V of hysteresis.
    alternator_stop_volts: f64 = 12.8,
    /// Between stop and start voltage, less than this counts as no current, A [P].
    alternator_zero_amps: f64 = 0.1,
    /// … and stops after this time, ms [P].
    alternator_zero_ms: u32 = 100,
    /// More than this out of the port stops it at once, A, positive [P]; §2.1: one-way traffic.
    alternator_reverse_amps: f64 = 0.5,
    /// Pause after a stop, ms [P]; keeps a weak source from hunting faster than 1 Hz.
    alternator_holdoff_ms: u32 = 2_000,
    /// Rise of the limiter's set value after a start, A/s [P].
    soft_start_amps_per_s: f64 = 100.0,

    /// Lower end of the charge limit setting, V (§3.5.1-5d).
    charge_limit_min_volts: f64 = 13.0,
    /// Upper end of the charge limit setting, V (§3.5.1-5d).
    charge_limit_max_volts: f64 = 15.3,
    /// Re-enabled this far below the limit, V (§3.5.1-5d).
    charge_hysteresis_volts: f64 = 0.5,
    /// … for this many consecutive milliseconds (§3.5.1-5d).
    charge_reenable_ms: u32 = 10_000,

    /// From pre-alarm output to load cut, ms: §2.2 wants at least 30 s; 50 ms of margin [P].
    lead_ms: u32 = 30_050,
    /// Intermittent pre-alarm: on, ms [P], as in relatives.
    pre_alarm_on_ms: u32 = 800,
    /// Intermittent pre-alarm: off, ms [P], as in relatives.
    pre_alarm_off_ms: u32 = 800,

    /// A battery line must hold a new state this long, ms [P].
    debounce_ms: u32 = 20,

    /// On when terminal L is below, V (§4 mode 2).
    remote_l_below_volts: f64 = 5.0,
    /// On when terminal H is above, V (§4 mode 3).
    remote_h_above_volts: f64 = 3.0,
    /// The remote terminal must hold a new state this long, ms [P].
    remote_debounce_ms: u32 = 20,

    /// Internal over-temperature trips at, °C [P] (A-B15).
    over_temperature_trip_c: f64 = 85.0,
    /// … and ends below, °C [P].
    over_temperature_reset_c: f64 = 75.0,
    /// A sensor that says less is broken, and counts as hot, °C [P].
    temperature_plausible_min_c: f64 = -60.0,

    /// System+ trips above this current in either direction, A [P] (A-A12; §4: peak 400 A).
    overload_trip_amps: f64 = 400.0,

    /// … once it has lasted this long, ms [P].
    overload_trip_ms: u32 = 0,
    /// A heavy current, in either direction, A [P]; §4 allows 200 A for ever.
    heavy_amps: f64 = 190.0,

    /// Outputs stay off this long after power-up, ms [P].
    boot_ms: u32 = 200,
    /// All off below this battery voltage, V [P].
    brown_out_volts: f64 = 8.0,
    /// Starts again from this battery voltage, V [P].
    brown_out_end_volts: f64 = 8.5,

    /// LED 1 is lit above this current, A [P] (appendix C: "alternator charging").
    led_charging_amps: f64 = 0.5,
    /// LED 4: half a period of blinking, ms [P].
    led_blink_ms: u32 = 500,
}

impl Params {
    /// The limit for a fuse, A.
    #[must_use]
    pub fn limit_amps(&self, fuse: FuseRow) -> f64 {
        self.limiter_amps.get(fuse.index()).copied().unwrap_or(0.0)
    }

    /// Changes one row of the limiter's table, A.
    pub fn set_limit_amps(&mut self, fuse: FuseRow, amps: f64) {
        if let Some(row) = self.limiter_amps.get_mut(fuse.index()) {
            *row = amps;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_1_of_the_manual() {
        let params = Params::default();
        let rows = FuseRow::ALL.map(|row| (row.name(), params.limit_amps(row)));
        assert_eq!(
            rows,
            [
                ("2x7.5A", 9.0),
                ("2x10A", 12.0),
                ("2x15A", 20.0),
                ("2x20A", 25.0),
                ("2x30A", 40.0),
                ("60A", 50.0),
                ("80A", 60.0),
                ("100A", 90.0),
                ("125A", 100.0),
            ]
        );
    }

    #[test]
    fn no_limit_exceeds_its_fuse() {
        let ratings = [15.0, 20.0, 30.0, 40.0, 60.0, 60.0, 80.0, 100.0, 125.0];
        for (limit, rating) in Params::default().limiter_amps.into_iter().zip(ratings) {
            assert!(limit <= rating);
        }
    }

    #[test]
    fn parameters_are_found_by_their_kebab_name() {
        let mut params = Params::default();
        assert_eq!(params.set("lead-ms", 25_000.0), Ok(()));
        assert_eq!(params.lead_ms, 25_000);
        assert_eq!(params.get("lead-ms"), Some(25_000.0));
        assert_eq!(params.set("alternator-start-volts", 12.6), Ok(()));
        assert_eq!(params.alternator_start_volts, 12.6);
        assert_eq!(params.set("lead_ms", 1.0), Err(ParamError::Unknown));
        assert_eq!(params.set("lead-m", 1.0), Err(ParamError::Unknown));
        for broken in [-1.0, 0.5, f64::NAN, f64::INFINITY] {
            assert_eq!(params.set("lead-ms", broken), Err(ParamError::NotWhole));
        }
        assert!(Params::FIELDS.contains(&"charge_hysteresis_volts"));
    }
}

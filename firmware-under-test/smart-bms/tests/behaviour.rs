//! The whole firmware, ticked through the situations of the requirements.

use smart_bms::{
    Activity, BtvInputs, Firmware, FuseRow, Inputs, MakerState, Outputs, Params, PreAlarmLine, PreAlarmMode, PreAlarmUsage, RemoteFunction,
    SelfTest, Setting, Settings, Slots,
};

const HEALTHY: BtvInputs = BtvInputs { cable: true, pre_alarm: PreAlarmLine::Healthy, atc: true, atd: true };

const UNPLUGGED: BtvInputs = BtvInputs { cable: false, pre_alarm: PreAlarmLine::Absent, atc: false, atd: false };

/// Wire loop fitted, engine running, 2 × 7.5 A.
const DRIVING: Inputs = Inputs {
    battery_volts: 13.3,
    alternator_volts: 14.4,
    system_volts: 13.3,
    alternator_amps: 9.0,
    system_amps: 0.0,
    temperature_c: 25.0,
    btv: HEALTHY,
    remote_l_volts: 6.4,
    remote_h_volts: 6.4,
    fuse: FuseRow::Pair7A5,
    connected: false,
};

const PLUG_OUT: (f64, f64) = (12.8, 0.0);

struct Unit {
    firmware: Firmware,
    inputs: Inputs,
    ms: u32,
}

impl Unit {
    /// Powered up and out of boot.
    fn new() -> Self {
        let mut unit = Self { firmware: Firmware::new(Params::default(), Settings::default()), inputs: DRIVING, ms: 0 };
        unit.run(500);
        unit
    }

    fn run(&mut self, ms: u32) -> Outputs {
        let mut outputs = *self.firmware.outputs();
        for _ in 0..ms {
            outputs = *self.firmware.tick(&self.inputs);
            self.ms += 1;
        }
        outputs
    }

    /// Runs until the condition holds; how long that took, ms.
    fn until(&mut self, what: &str, limit_ms: u32, holds: impl Fn(&Outputs) -> bool) -> u32 {
        let begin = self.ms;
        while !holds(&self.run(1)) {
            assert!(self.ms - begin < limit_ms, "{what} within {limit_ms} ms");
        }
        self.ms - begin
    }

    fn btv(&mut self, btv: BtvInputs) -> &mut Self {
        self.inputs.btv = btv;
        self
    }

    fn remote(&mut self, (l, h): (f64, f64)) -> &mut Self {
        (self.inputs.remote_l_volts, self.inputs.remote_h_volts) = (l, h);
        self
    }

    fn set(&mut self, setting: Setting) {
        self.firmware.set(setting).expect("legal");
    }

    fn codes(&self) -> String {
        self.firmware.status().codes.to_string()
    }
}

/// Alternator, System+ charge, System+ discharge, charge disconnect, load disconnect, pre-alarm.
fn row(outputs: &Outputs) -> [u8; 6] {
    [
        outputs.alternator_on,
        outputs.system_charge_on,
        outputs.system_discharge_on,
        outputs.charge_disconnect,
        outputs.load_disconnect,
        outputs.pre_alarm,
    ]
    .map(u8::from)
}

/// Every combination of the lines: within 100 ms, and after the lead.
#[test]
fn decision_table() {
    use PreAlarmLine::{Alarm, Healthy};
    #[rustfmt::skip]
    let table = [
        (Healthy, true,  true,  [1, 1, 1, 1, 1, 0], "none",  [1, 1, 1, 1, 1, 0], "none"),
        (Alarm,   true,  true,  [1, 1, 1, 1, 1, 1], "W-B12", [1, 1, 1, 1, 1, 1], "W-B12"),
        (Alarm,   true,  false, [1, 1, 1, 1, 1, 1], "W-B12", [1, 1, 0, 1, 0, 1], "A-B11"),
        (Healthy, true,  false, [1, 1, 1, 1, 1, 1], "W-B12", [1, 1, 0, 1, 0, 1], "A-B11"),
        (Healthy, false, true,  [0, 0, 1, 0, 1, 0], "none",  [0, 0, 1, 0, 1, 0], "none"),
        (Alarm,   false, true,  [0, 0, 1, 0, 1, 1], "W-B12", [0, 0, 1, 0, 1, 1], "W-B12"),
        (Healthy, false, false, [0, 0, 1, 0, 1, 1], "W-B12", [0, 0, 0, 0, 0, 1], "A-B11"),
        (Alarm,   false, false, [0, 0, 1, 0, 1, 1], "W-B12", [0, 0, 0, 0, 0, 1], "A-B11"),
    ];
    for (pre_alarm, atc, atd, soon, soon_codes, late, late_codes) in table {
        let mut unit = Unit::new();
        let cell = format!("{pre_alarm:?}, ATC {atc}, ATD {atd}");
        unit.btv(BtvInputs { cable: true, pre_alarm, atc, atd });
        assert_eq!(row(&unit.run(99)), soon, "{cell}");
        assert_eq!(unit.codes(), soon_codes, "{cell}");
        assert_eq!(row(&unit.run(31_000)), late, "{cell}, late");
        assert_eq!(unit.codes(), late_codes, "{cell}, late");
        unit.btv(HEALTHY);
        assert_eq!(row(&unit.run(200)), [1, 1, 1, 1, 1, 0], "{cell}, recovered");
        assert_eq!(unit.codes(), "none", "{cell}, recovered");
    }
}

#[test]
fn an_open_cable_switches_all_off_at_once_and_without_a_warning() {
    let mut unit = Unit::new();
    unit.btv(UNPLUGGED);
    for _ in 0..99 {
        assert!(!unit.run(1).pre_alarm);
    }
    assert_eq!(row(&unit.run(1)), [0; 6]);
    assert_eq!(unit.codes(), "E-B32");
    assert_eq!(row(&unit.run(60_000)), [0; 6]);
    unit.btv(HEALTHY);
    assert_eq!(row(&unit.run(200)), [1, 1, 1, 1, 1, 0]);
}

#[test]
fn a_pre_alarm_that_batteries_lack_is_a_cable_fault_until_it_is_not_used() {
    let mut unit = Unit::new();
    unit.btv(BtvInputs { pre_alarm: PreAlarmLine::Absent, ..HEALTHY });
    assert_eq!(row(&unit.run(99)), [0; 6]);
    assert_eq!(unit.codes(), "E-B32");
    unit.set(Setting::PreAlarmUsage(PreAlarmUsage::NotAvailable));
    assert_eq!(row(&unit.run(200)), [1, 1, 1, 1, 1, 0]);
    assert_eq!(unit.codes(), "none");
    unit.inputs.btv.atd = false;
    let warn = unit.until("warning", 100, |now| now.pre_alarm);
    let cut = unit.until("cut", 31_000, |now| !now.load_disconnect);
    assert!(warn < 100 && (30_000..31_000).contains(&cut));
}

const ALARM: BtvInputs = BtvInputs { pre_alarm: PreAlarmLine::Alarm, ..HEALTHY };

/// From the warning to the cut when ATD is lost this long after the pre-alarm.
fn lead_with_atd_lost_after(ms: u32) -> u32 {
    let mut unit = Unit::new();
    unit.btv(ALARM);
    unit.until("warning", 100, |now| now.pre_alarm);
    let warned = unit.ms;
    unit.run(ms);
    unit.inputs.btv.atd = false;
    unit.until("cut", 32_000, |now| !now.load_disconnect);
    assert!(!unit.firmware.outputs().system_discharge_on, "System+ follows");
    unit.ms - warned
}

#[test]
fn the_lead_is_30_seconds_and_no_longer_than_needed() {
    for after in [0, 5_000, 29_000] {
        assert_eq!(lead_with_atd_lost_after(after), 30_050, "{after} ms");
    }
    for after in [35_000, 120_000] {
        let late = lead_with_atd_lost_after(after) - after;
        assert!(late < 100, "{after} ms");
    }
}

#[test]
fn atd_and_pre_alarm_together_or_atd_alone_give_the_whole_lead() {
    for btv in [BtvInputs { atd: false, ..ALARM }, BtvInputs { atd: false, ..HEALTHY }] {
        let mut unit = Unit::new();
        unit.btv(btv);
        unit.until("warning", 100, |now| now.pre_alarm);
        assert_eq!(unit.until("cut", 31_000, |now| !now.load_disconnect), 30_050);
    }
}

#[test]
fn an_alarm_that_ends_early_cuts_nothing_and_the_next_has_its_own_lead() {
    let mut unit = Unit::new();
    for _ in 0..2 {
        unit.btv(BtvInputs { atd: false, ..ALARM });
        assert!(unit.run(20_000).load_disconnect);
        unit.btv(HEALTHY);
        let outputs = unit.run(100);
        assert!(outputs.load_disconnect && !outputs.pre_alarm);
    }
    unit.btv(BtvInputs { atd: false, ..ALARM });
    unit.until("warning", 100, |now| now.pre_alarm);
    assert_eq!(unit.until("cut", 31_000, |now| !now.load_disconnect), 30_050);
}

#[test]
fn loads_that_are_off_are_not_connected_for_the_length_of_a_lead() {
    let mut unit = Unit::new();
    unit.btv(UNPLUGGED).run(100);
    unit.btv(BtvInputs { atd: false, ..HEALTHY });
    for _ in 0..200 {
        let outputs = unit.run(1);
        assert!(!outputs.load_disconnect && !outputs.system_discharge_on);
    }
    assert!(unit.firmware.outputs().charge_disconnect);
    assert_eq!(unit.codes(), "A-B11");
}

#[test]
fn intermittent_pre_alarm_has_its_period_and_does_not_disturb_the_lead() {
    let mut unit = Unit::new();
    unit.set(Setting::PreAlarmMode(PreAlarmMode::Intermittent));
    unit.btv(BtvInputs { atd: false, ..ALARM });
    unit.until("on", 100, |now| now.pre_alarm);
    let warned = unit.ms;
    assert_eq!(unit.until("off", 1_000, |now| !now.pre_alarm), 800);
    assert_eq!(unit.until("on", 1_000, |now| now.pre_alarm), 800);
    unit.until("cut", 31_000, |now| !now.load_disconnect);
    assert_eq!(unit.ms - warned, 30_050);
}

#[test]
fn remote_off_takes_the_power_paths_and_on_request_everything() {
    let mut unit = Unit::new();
    unit.remote(PLUG_OUT);
    assert_eq!(row(&unit.run(99)), [0, 0, 0, 1, 1, 0]);
    assert_eq!(unit.firmware.status().activity, Activity::RemoteOff);
    unit.set(Setting::RemoteFunction(RemoteFunction::Everything));
    assert_eq!(row(&unit.run(1)), [0; 6]);
    assert_eq!(unit.firmware.status().activity, Activity::Disabled);
    unit.remote((0.0, 0.0));
    assert_eq!(row(&unit.run(200)), [1, 1, 1, 1, 1, 0]);
    unit.set(Setting::SoftSwitch(false));
    assert_eq!(row(&unit.run(1)), [0; 6]);
    assert!(!unit.firmware.status().soft_switch);
}

#[test]
fn remote_off_still_protects() {
    let mut unit = Unit::new();
    unit.remote(PLUG_OUT).run(100);
    unit.inputs.btv.atd = false;
    unit.until("warning", 100, |now| now.pre_alarm);
    assert_eq!(unit.until("cut", 31_000, |now| !now.load_disconnect), 30_050);
}

#[test]
fn the_charge_limit_concerns_the_alternator_only() {
    let mut unit = Unit::new();
    unit.inputs.battery_volts = 14.2;
    assert_eq!(row(&unit.run(1)), [0, 1, 1, 1, 1, 0]);
    unit.inputs.battery_volts = 13.6;
    let back = unit.until("charging", 11_000, |now| now.alternator_on);
    assert!((10_000..11_000).contains(&back));
}

#[test]
fn the_alternator_starts_above_13_and_stops_below_12_8_volts() {
    let mut unit = Unit::new();
    unit.inputs.alternator_volts = 12.79;
    assert!(!unit.run(1).alternator_on);
    unit.inputs.alternator_volts = 13.0;
    assert!(!unit.run(30_000).alternator_on);
    unit.inputs.alternator_volts = 13.1;
    assert!(unit.run(101).alternator_on);
    unit.inputs.alternator_volts = 12.9;
    assert!(unit.run(30_000).alternator_on, "with current it stays on");
    unit.inputs.alternator_amps = 0.0;
    assert!(!unit.run(101).alternator_on);
}

#[test]
fn a_weak_source_hunts_slower_than_1_hz() {
    let mut unit = Unit::new();
    let mut starts = 0;
    let mut was_on = true;
    for _ in 0..10_000 {
        let on = unit.run(1).alternator_on;
        unit.inputs.alternator_volts = if on { 12.6 } else { 14.4 };
        starts += u32::from(on && !was_on);
        was_on = on;
    }
    assert!((1..=9).contains(&starts), "{starts} starts in 10 s");
}

#[test]
fn an_overload_stays_until_remote_off() {
    let mut unit = Unit::new();
    unit.inputs.system_amps = 401.0;
    assert_eq!(row(&unit.run(1)), [1, 0, 0, 1, 1, 0]);
    unit.inputs.system_amps = 0.0;
    assert_eq!(row(&unit.run(60_000)), [1, 0, 0, 1, 1, 0]);
    assert_eq!(unit.codes(), "A-A12");
    unit.remote(PLUG_OUT).run(100);
    unit.remote((0.0, 0.0));
    assert_eq!(row(&unit.run(200)), [1, 1, 1, 1, 1, 0]);
    assert_eq!(unit.codes(), "none");
}

#[test]
fn heat_takes_the_power_paths_off() {
    let mut unit = Unit::new();
    unit.inputs.temperature_c = 85.0;
    assert_eq!(row(&unit.run(1)), [0, 0, 0, 1, 1, 0]);
    assert_eq!(unit.codes(), "A-B15");
    assert!(unit.firmware.outputs().leds[1]);
    unit.inputs.temperature_c = 60.0;
    assert_eq!(row(&unit.run(1)), [1, 1, 1, 1, 1, 0]);
}

#[test]
fn off_at_power_up_and_at_a_brown_out() {
    let mut unit = Unit::new();
    unit.inputs.battery_volts = 7.9;
    assert_eq!(unit.run(1), Outputs::default());
    unit.inputs.battery_volts = 8.4;
    assert_eq!(unit.run(1_000), Outputs::default());
    unit.inputs.battery_volts = 13.3;
    assert_eq!(unit.run(200), Outputs::default());
    assert_eq!(row(&unit.run(150)), [1, 1, 1, 1, 1, 0]);
}

#[test]
fn a_failed_self_test_keeps_all_off_and_says_so_after_every_power_up() {
    let self_test = SelfTest { calibration: false, ..SelfTest::default() };
    for _ in 0..2 {
        let mut unit = Unit::new();
        unit.firmware = Firmware::new(Params::default(), Settings::default()).with_self_test(self_test);
        assert_eq!(row(&unit.run(1_000)), [0; 6]);
        assert_eq!(unit.codes(), "E-B30");
    }
}

#[test]
fn the_status_page_shows_what_is() {
    let mut unit = Unit::new();
    unit.inputs.alternator_amps = 4.5;
    unit.run(1);
    assert_eq!(unit.firmware.status().alternator_percent, None);
    unit.set(Setting::FuseType(Some(FuseRow::Pair7A5)));
    unit.run(1);
    let status = unit.firmware.status();
    assert_eq!(status.alternator_percent, Some(50.0));
    assert_eq!(status.battery_volts, 13.3);
    assert!(status.system_plus && status.soft_switch && !status.connected);
    unit.set(Setting::FuseType(Some(FuseRow::Mega100A)));
    assert_eq!(unit.run(1).alternator_limit_amps, 9.0, "the fitted fuse decides");
    assert_eq!(unit.firmware.status().alternator_percent, Some(5.0));
    unit.remote(PLUG_OUT).run(100);
    assert!(!unit.firmware.status().system_plus);
}

#[test]
fn an_unwatched_battery_has_no_codes() {
    let mut unit = Unit::new();
    unit.set(Setting::RemoteFunction(RemoteFunction::Everything));
    unit.remote(PLUG_OUT).btv(UNPLUGGED).run(1_000);
    assert_eq!(unit.codes(), "none");
    unit.remote((0.0, 0.0)).run(100);
    assert_eq!(unit.codes(), "E-B32");
    unit.firmware = Firmware::new(Params::default(), Settings::default());
    unit.run(200);
    assert_eq!(unit.codes(), "none", "boot");
    unit.run(1);
    assert_eq!(unit.codes(), "E-B32");
}

#[test]
fn a_glitch_of_the_remote_terminal_passes_unseen() {
    let mut unit = Unit::new();
    for _ in 0..20 {
        unit.remote(PLUG_OUT);
        assert_eq!(row(&unit.run(20)), [1, 1, 1, 1, 1, 0]);
        unit.remote((0.0, 0.0));
        assert_eq!(row(&unit.run(1)), [1, 1, 1, 1, 1, 0]);
    }
}

#[test]
fn a_blank_page_is_e_b30_until_one_is_written() {
    let mut unit = Unit::new();
    unit.firmware = Firmware::new(Params::default(), Settings::default()).with_memory(Slots::blank());
    let outputs = unit.run(500);
    assert!(!outputs.load_disconnect && !outputs.alternator_on && unit.codes() == "E-B30");
    unit.firmware.maker_mut().stage("battery-gain", 1.01).expect("legal");
    unit.firmware.maker_mut().commit();
    let outputs = unit.run(500);
    assert!(outputs.load_disconnect && unit.codes() == "none");
    assert!((unit.firmware.status().battery_volts - DRIVING.battery_volts * 1.01).abs() < 1e-9);
    unit.firmware.maker_mut().erase();
    unit.run(20);
    // A brown-out in the middle: whatever is there counts from then on.
    unit.inputs.battery_volts = 7.0;
    unit.run(5);
    assert_ne!(unit.firmware.maker().state(), MakerState::Writing);
}

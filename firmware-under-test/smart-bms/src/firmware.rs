//! Puts the parts together, once a millisecond.

use crate::alternator::{Alternator, PercentView};
use crate::btv::{Btv, CableView};
use crate::codes::{self, CodeView, Codes};
use crate::guard::{BrownOutView, OverTemperatureView, OverloadView, SelfTest, exceeds};
use crate::held::Held;
use crate::io::{BtvInputs, Inputs, Outputs};
use crate::lead::{Lead, LeadState, LeadTick};
use crate::leds::{self, LedView};
use crate::limit::ChargeLimit;
use crate::maker::Maker;
use crate::params::Params;
use crate::paths::PathView;
use crate::raw::Raw;
use crate::remote::Remote;
use crate::rules::Rules;
use crate::settings::{Setting, SettingError, Settings};
use crate::status::{Activity, Status};
use crate::store::Slots;

/// What is lost at power-off and at a brown-out.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Volatile {
    uptime: Held,
    btv: Btv,
    remote: Remote,
    limit: ChargeLimit,
    lead: Lead,
    alternator: Alternator,
    over_temperature: bool,
    overload: bool,
    over: Held,
    heavy: Held,
}

/// The firmware of one unit.
#[derive(Clone, Debug)]
pub struct Firmware {
    params: Params,
    rules: Rules,
    settings: Settings,
    self_test: SelfTest,
    maker: Maker,
    raw: Raw,
    low: Held,
    browned_out: bool,
    state: Volatile,
    outputs: Outputs,
    status: Status,
    /// What the codes were last worked out from, and what they were.
    coded: Option<(CodeView, Codes)>,
}

impl Firmware {
    /// Powers up; nothing is on before the first ticks.
    #[must_use]
    pub fn new(params: Params, settings: Settings) -> Self {
        Self {
            params,
            rules: Rules::default(),
            settings,
            self_test: SelfTest::default(),
            maker: Maker::new(Slots::default()),
            raw: Raw::default(),
            low: Held::default(),
            browned_out: false,
            state: Volatile::default(),
            outputs: Outputs::default(),
            status: Status { soft_switch: settings.soft_switch, ..Status::default() },
            coded: None,
        }
    }

    /// With other decisions.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        (self.rules, self.coded) = (rules, None);
        self
    }

    /// With what the self-test found; a failure keeps all off.
    #[must_use]
    pub fn with_self_test(mut self, self_test: SelfTest) -> Self {
        self.self_test = self_test;
        self
    }

    /// With this memory of the maker's page; without a page that counts, all
    /// stays off and E-B30 shows until one is written.
    #[must_use]
    pub fn with_memory(mut self, slots: Slots) -> Self {
        self.maker = Maker::new(slots);
        self
    }

    /// The maker's test channel.
    #[must_use]
    pub fn maker(&self) -> &Maker {
        &self.maker
    }

    /// The maker's test channel, to write.
    pub fn maker_mut(&mut self) -> &mut Maker {
        &mut self.maker
    }

    /// What the converter of battery, alternator and System+ voltage (V) and of
    /// the alternator current (A) delivers before any correction: the mean of
    /// the last whole eighth of a second. For the maker; NaN before the first
    /// tick.
    #[must_use]
    pub fn raw(&self) -> [f64; 4] {
        self.raw.means()
    }

    /// All settings; they outlive power, so hand them to the next [`Self::new`].
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All constants.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Changes one setting.
    ///
    /// # Errors
    /// [`SettingError`] for a charge limit out of range; nothing changes then.
    pub fn set(&mut self, setting: Setting) -> Result<(), SettingError> {
        self.settings.set(&self.params, setting)?;
        self.status.soft_switch = self.settings.soft_switch;
        Ok(())
    }

    /// The status page as of the last tick.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// The outputs as of the last tick.
    #[must_use]
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// One millisecond: looks at the sensors, decides, drives the outputs.
    pub fn tick(&mut self, inputs: &Inputs) -> &Outputs {
        self.raw.tick(inputs);
        let inputs = &self.maker.page().map_or(*inputs, |page| page.correct(inputs));
        self.browned_out = self.supply_fails(inputs.battery_volts);
        if self.browned_out {
            self.maker.restart();
            self.state = Volatile::default();
            self.outputs = Outputs::default();
            self.status = Status { soft_switch: self.settings.soft_switch, ..Status::default() };
        } else {
            self.maker.tick();
            self.work(inputs);
        }
        &self.outputs
    }

    fn supply_fails(&mut self, battery_volts: f64) -> bool {
        let params = &self.params;
        let least = if self.browned_out { params.brown_out_end_volts } else { params.brown_out_volts };
        let low_ms = self.low.tick(battery_volts.is_nan() || battery_volts < least);
        (self.rules.brown_out)(&BrownOutView {
            battery_volts,
            off_volts: params.brown_out_volts,
            on_volts: params.brown_out_end_volts,
            was_off: self.browned_out,
            low_ms,
        })
    }

    fn work(&mut self, inputs: &Inputs) {
        let uptime_ms = self.state.uptime.tick(true).unwrap_or(0);
        let booted = uptime_ms >= self.params.boot_ms;
        let btv = self.state.btv.tick(&self.params, &self.rules, inputs.btv);
        let (enabled, everything_off) = self.state.remote.tick(&self.params, &self.rules, &self.settings, inputs);
        self.protect(inputs, enabled);
        let (setting, volts) = (self.settings.charge_limit_volts, inputs.battery_volts);
        let charge_limited = self.state.limit.tick(&self.params, &self.rules, setting, volts);
        let cable_fault =
            (self.rules.cable_fault)(&CableView { cable: btv.cable, pre_alarm: btv.pre_alarm, usage: self.settings.pre_alarm_usage });
        let self_test = SelfTest { calibration: self.self_test.calibration && self.maker.page().is_some(), ..self.self_test };
        let ready = booted && self_test.passed();
        let lead = self.lead(btv, ready && !cable_fault && !everything_off);
        let view = PathView {
            ready,
            cable_fault,
            atc: btv.atc,
            atd: btv.atd,
            cut: lead.cut,
            enabled,
            everything_off,
            over_temperature: self.state.over_temperature,
            overload: self.state.overload,
            charge_limited,
            battery_volts: inputs.battery_volts,
        };
        self.drive(inputs, &view, lead);
        self.light(inputs, &view, booted, uptime_ms);
        let codes = self.codes(CodeView {
            watching: booted && !everything_off,
            self_test,
            cable_fault,
            warning: lead.warning,
            cut: lead.cut,
            over_temperature: self.state.over_temperature,
            overload: self.state.overload,
        });
        self.show(inputs, &view, codes);
    }

    /// Heat follows its condition; an overload stays until remote off.
    fn protect(&mut self, inputs: &Inputs, enabled: bool) {
        let params = &self.params;
        self.state.over_temperature = (self.rules.over_temperature)(&OverTemperatureView {
            temperature_c: inputs.temperature_c,
            trip_c: params.over_temperature_trip_c,
            reset_c: params.over_temperature_reset_c,
            plausible_min_c: params.temperature_plausible_min_c,
            was_hot: self.state.over_temperature,
        });
        let amps = inputs.system_amps;
        let tripped = (self.rules.overload)(&OverloadView {
            system_amps: amps,
            trip_amps: params.overload_trip_amps,
            over_ms: self.state.over.tick(exceeds(amps, params.overload_trip_amps)),
            delay_ms: params.overload_trip_ms,
            heavy_ms: self.state.heavy.tick(exceeds(amps, params.heavy_amps)),
        });
        self.state.overload = enabled && (self.state.overload || tripped);
    }

    fn lead(&mut self, btv: BtvInputs, announces: bool) -> LeadState {
        self.state.lead.tick(
            &self.params,
            &self.rules,
            LeadTick {
                pre_alarm: btv.pre_alarm,
                usage: self.settings.pre_alarm_usage,
                mode: self.settings.pre_alarm_mode,
                atd: btv.atd,
                announces,
                loads_on: self.outputs.load_disconnect || self.outputs.system_discharge_on,
            },
        )
    }

    fn drive(&mut self, inputs: &Inputs, view: &PathView, lead: LeadState) {
        let rules = &self.rules;
        let permitted = (rules.alternator)(view);
        let (alternator_on, alternator_limit_amps) =
            self.state.alternator.tick(&self.params, rules, inputs, self.settings.fuse_type, permitted);
        self.outputs = Outputs {
            alternator_on,
            alternator_limit_amps,
            system_charge_on: (rules.system_charge)(view),
            system_discharge_on: (rules.system_discharge)(view),
            load_disconnect: (rules.load_disconnect)(view),
            charge_disconnect: (rules.charge_disconnect)(view),
            pre_alarm: lead.pre_alarm_output,
            leds: [false; 7],
        };
    }

    /// Dark until boot is over.
    fn light(&mut self, inputs: &Inputs, view: &PathView, booted: bool, uptime_ms: u32) {
        if booted {
            self.outputs.leds = leds::all(
                &self.rules,
                &LedView {
                    active: !view.everything_off,
                    alternator_amps: inputs.alternator_amps,
                    charging_amps: self.params.led_charging_amps,
                    alternator_on: self.outputs.alternator_on,
                    over_temperature: view.over_temperature,
                    connected: inputs.connected,
                    uptime_ms,
                    blink_ms: self.params.led_blink_ms,
                    charge_disconnect: self.outputs.charge_disconnect,
                    load_disconnect: self.outputs.load_disconnect,
                    system_charge: self.outputs.system_charge_on,
                },
            );
        }
    }

    /// Rules keep no state: the same view has the same codes.
    fn codes(&mut self, view: CodeView) -> Codes {
        match self.coded {
            Some((seen, codes)) if seen == view => codes,
            _ => self.coded.insert((view, codes::all(&self.rules, &view))).1,
        }
    }

    fn show(&mut self, inputs: &Inputs, view: &PathView, codes: Codes) {
        let activity = match (view.enabled, view.everything_off) {
            (true, _) => Activity::On,
            (false, false) => Activity::RemoteOff,
            (false, true) => Activity::Disabled,
        };
        self.status = Status {
            battery_volts: inputs.battery_volts,
            alternator_volts: inputs.alternator_volts,
            system_volts: inputs.system_volts,
            alternator_percent: (self.rules.alternator_percent)(&PercentView {
                alternator_amps: inputs.alternator_amps,
                setting_limit_amps: self.settings.fuse_type.map(|fuse| self.params.limit_amps(fuse)),
            }),
            system_plus: self.outputs.system_charge_on || self.outputs.system_discharge_on,
            soft_switch: self.settings.soft_switch,
            codes,
            connected: inputs.connected,
            temperature_c: inputs.temperature_c,
            alternator_amps: inputs.alternator_amps,
            activity,
        };
    }
}

//! EA PSB 10060: bidirectional supplies of 60 V and so many amperes.
//!
//! From EA's Programming ModBus & SCPI guide (05-2023): nothing is set without
//! the remote lock (-201); replies carry units; one voltage set value for both
//! directions; 26214 steps; the socket closes after 5 s without a message.
//! Our assumptions: a pulled inhibit input switches the output off for good and
//! refuses to switch it on (-221); set values reach 102 % and protections 110 % of the rated
//! ones; three places in replies; noise of 1 mV and 25 ppm of the rated current.
//! Not here: power and resistance modes, the function generator, Modbus.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hil_timebase::Clock;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scpi::error::Result;
use scpi::tree::prelude::*;
use scpi::{Branch, Leaf, Root, cmd_both, cmd_nquery, cmd_qonly};
use scpi_contrib::{
    ieee488_cls, ieee488_ese, ieee488_esr, ieee488_opc, ieee488_rst, ieee488_sre, ieee488_stb, ieee488_tst, ieee488_wai, scpi_status,
    scpi_system,
};

use crate::imperfection::{Imperfection, quantised};
use crate::terminals::{SourceState, Terminals};
use crate::unit::{Behaviour, Idn, Unit, run_tree};

const RATED_VOLTS: f64 = 60.0;
/// Effective steps of its converters (guide 3.8).
const STEPS: f64 = 26214.0;
/// Accuracy: 0.05 % of rated voltage (guide 3.8), 0.1 % of rated current. The
/// noise is of that too.
const VOLTS_LIMIT: f64 = RATED_VOLTS * 0.0005;
const AMPS_LIMIT: f64 = 0.001;
const AMPS_NOISE: f64 = 25e-6;

/// A set value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Setting {
    Volts,
    SourceAmps,
    SinkAmps,
    OverVolts,
    SourceOverAmps,
    SinkOverAmps,
}

impl Setting {
    /// Of a model that is rated for so many amperes.
    const fn rated(self, amps: f64) -> f64 {
        match self {
            Self::Volts | Self::OverVolts => RATED_VOLTS,
            Self::SourceAmps | Self::SinkAmps | Self::SourceOverAmps | Self::SinkOverAmps => amps,
        }
    }

    const fn unit(self) -> char {
        match self {
            Self::Volts | Self::OverVolts => 'V',
            Self::SourceAmps | Self::SinkAmps | Self::SourceOverAmps | Self::SinkOverAmps => 'A',
        }
    }

    /// Of the rated value.
    const fn reach(self) -> f64 {
        match self {
            Self::Volts | Self::SourceAmps | Self::SinkAmps => 1.02,
            Self::OverVolts | Self::SourceOverAmps | Self::SinkOverAmps => 1.1,
        }
    }
}

/// The settings, by [`Setting`].
#[derive(Clone, Copy)]
struct Settings([f64; 6]);

impl Settings {
    const fn initial(rated_amps: f64) -> Self {
        Self([0.0, 0.0, 0.0, RATED_VOLTS * 1.1, rated_amps * 1.1, rated_amps * 1.1])
    }
    const fn get(&self, setting: Setting) -> f64 {
        self.0[setting as usize]
    }
}

/// The power stage: an output that is told to go off does so a while later.
struct Stage {
    terminals: Arc<dyn Terminals>,
    /// What is at the terminals.
    state: Cell<SourceState>,
    /// How often the output was switched; a late switch-off that another has
    /// overtaken is none.
    turns: Cell<u64>,
}

impl Stage {
    fn drive(&self, state: SourceState) {
        self.state.set(state);
        self.terminals.drive(state);
    }

    fn cut(&self) {
        self.drive(SourceState { on: false, ..self.state.get() });
    }
}

pub(crate) struct Psb {
    idn: String,
    rated_amps: f64,
    terminals: Arc<dyn Terminals>,
    /// How late an output goes off, and by which clock.
    off_latency: Option<(Duration, Clock)>,
    rng: ChaCha8Rng,
    settings: Settings,
    /// As commanded, and as it reads back.
    on: bool,
    /// Its inhibit input is pulled.
    inhibited: bool,
    stage: Rc<Stage>,
    locked: bool,
    socket_timeout_s: u64,
    /// Its power stage gives and takes no more than this, A.
    derated: Option<f64>,
    set_volts: Imperfection,
    set_amps: [Imperfection; 2],
    read_volts: Imperfection,
    read_amps: Imperfection,
}

impl Psb {
    pub(crate) fn new(rated_amps: f64, serial: &str, firmware: &str, terminals: Arc<dyn Terminals>, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut volts = |sigma| Imperfection::within(VOLTS_LIMIT, RATED_VOLTS, sigma, &mut rng);
        let (set_volts, read_volts) = (volts(0.0), volts(1e-3));
        let mut amps = |sigma| Imperfection::within(AMPS_LIMIT * rated_amps, rated_amps, sigma, &mut rng);
        let (set_amps, read_amps) = ([amps(0.0), amps(0.0)], amps(AMPS_NOISE * rated_amps));
        let psb = Self {
            idn: format!("EA Elektro-Automatik,PSB 10060-{rated_amps},{serial},{firmware}"),
            rated_amps,
            stage: Rc::new(Stage { terminals: Arc::clone(&terminals), state: Cell::default(), turns: Cell::new(0) }),
            terminals,
            off_latency: None,
            rng,
            settings: Settings::initial(rated_amps),
            on: false,
            inhibited: false,
            locked: false,
            socket_timeout_s: 5,
            derated: None,
            set_volts,
            set_amps,
            read_volts,
            read_amps,
        };
        psb.drive();
        psb
    }

    /// Its output goes off `after` it was told to.
    pub(crate) fn switching_off_after(self, after: Duration, clock: Clock) -> Self {
        Self { off_latency: (!after.is_zero()).then_some((after, clock)), ..self }
    }

    /// Tells the world what stands at the terminals; on or off as it is there.
    fn drive(&self) {
        let value = |setting, error: &Imperfection| error.steady(self.settings.get(setting)).max(0.0);
        let most = self.derated.unwrap_or(f64::INFINITY);
        self.stage.drive(SourceState {
            on: self.stage.state.get().on,
            volts: value(Setting::Volts, &self.set_volts),
            source_amps: value(Setting::SourceAmps, &self.set_amps[0]).min(most),
            sink_amps: value(Setting::SinkAmps, &self.set_amps[1]).min(most),
        });
    }

    fn switch(&mut self, on: bool) {
        self.on = on;
        let stage = Rc::clone(&self.stage);
        let turn = stage.turns.get() + 1;
        stage.turns.set(turn);
        match self.off_latency.clone() {
            Some((after, clock)) if !on && stage.state.get().on => {
                tokio::task::spawn_local(async move {
                    clock.sleep(after).await;
                    if stage.turns.get() == turn {
                        stage.cut();
                    }
                });
            }
            _ => {
                stage.state.set(SourceState { on, ..stage.state.get() });
                self.drive();
            }
        }
    }

    /// Its protection or inhibit input: at once, whatever the control is about.
    fn trip(&mut self) {
        self.on = false;
        self.stage.turns.set(self.stage.turns.get() + 1);
        self.stage.cut();
    }

    fn measured(&mut self, measure: Measure) -> (f64, f64) {
        let mut volts = || {
            let volts = self.read_volts.noisy(self.terminals.volts(), 1.0, &mut self.rng);
            // Its converter has no negative voltages.
            quantised(volts, RATED_VOLTS / STEPS).max(0.0)
        };
        match measure {
            Measure::Volts => (volts(), 0.0),
            Measure::Amps | Measure::Watts => {
                let volts = if measure == Measure::Watts { volts() } else { 0.0 };
                let amps = self.read_amps.noisy(self.terminals.amps(), 1.0, &mut self.rng);
                (volts, quantised(amps, self.rated_amps / STEPS))
            }
        }
    }

    fn needs_lock(&self) -> Result<()> {
        if self.locked { Ok(()) } else { Err(ErrorCode::InvalidWhileInLocal.into()) }
    }
}

impl Behaviour for Psb {
    fn idn(&self) -> &str {
        &self.idn
    }

    fn reset(&mut self) {
        self.settings = Settings::initial(self.rated_amps);
        self.switch(false);
    }

    fn run(unit: &mut Unit<Self>, message: &[u8], out: &mut Vec<u8>) {
        run_tree(&TREE, unit, message, out);
    }

    /// Below 5 ms (guide 3.3.2).
    fn latency(&mut self) -> Duration {
        Duration::from_micros(self.rng.random_range(1_000..4_500))
    }

    /// Its inhibit input and its protection; seen when a message comes.
    fn watch(&mut self) -> Option<Error> {
        self.inhibited = self.terminals.inhibited();
        if self.inhibited && self.on {
            self.trip();
        }
        if !self.on {
            return None;
        }
        let (volts, amps) = (self.terminals.volts(), self.terminals.amps());
        let text: &'static [u8] = if volts > self.settings.get(Setting::OverVolts) {
            b"OVP"
        } else if amps > self.settings.get(Setting::SourceOverAmps) || -amps > self.settings.get(Setting::SinkOverAmps) {
            b"OCP"
        } else {
            return None;
        };
        self.trip();
        Some(Error::new(ErrorCode::DeviceSpecificError).extended(text))
    }

    fn inhibit(&mut self) {
        self.trip();
    }

    fn start(&mut self) {
        self.trip();
        self.settings = Settings::initial(self.rated_amps);
        self.locked = false;
        self.socket_timeout_s = 5;
        self.drive();
    }

    fn derate(&mut self, amps: Option<f64>) {
        self.derated = amps;
        self.drive();
    }

    fn idle_close(&self) -> Option<Duration> {
        (self.socket_timeout_s > 0).then(|| Duration::from_secs(self.socket_timeout_s))
    }
}

struct SetPoint(Setting);

impl Command<Unit<Psb>> for SetPoint {
    cmd_both!();
    fn event(&self, unit: &mut Unit<Psb>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let value: f64 = parameters.next_data()?;
        let psb = &mut unit.behaviour;
        psb.needs_lock()?;
        // Also refuses NaN.
        let rated = self.0.rated(psb.rated_amps);
        if !(0.0..=rated * self.0.reach()).contains(&value) {
            return Err(ErrorCode::DataOutOfRange.into());
        }
        psb.settings.0[self.0 as usize] = quantised(value, rated / STEPS);
        psb.drive();
        Ok(())
    }
    fn query(&self, unit: &mut Unit<Psb>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        let reply = format!("{:.3}{}", unit.behaviour.settings.get(self.0), self.0.unit());
        response.data(Character(reply.as_bytes())).finish()
    }
}

struct Output;

impl Command<Unit<Psb>> for Output {
    cmd_both!();
    fn event(&self, unit: &mut Unit<Psb>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let on = parameters.next_data()?;
        unit.behaviour.needs_lock()?;
        if on && unit.behaviour.inhibited {
            return Err(ErrorCode::SettingsConflict.into());
        }
        unit.behaviour.switch(on);
        Ok(())
    }
    fn query(&self, unit: &mut Unit<Psb>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        response.data(Character(if unit.behaviour.on { b"ON" } else { b"OFF" })).finish()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Volts,
    Amps,
    Watts,
}

impl Command<Unit<Psb>> for Measure {
    cmd_qonly!();
    fn query(&self, unit: &mut Unit<Psb>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        let (volts, amps) = unit.behaviour.measured(*self);
        let reply = match self {
            Self::Volts => format!("{volts:.3}V"),
            Self::Amps => format!("{amps:.3}A"),
            Self::Watts => format!("{:.1}W", volts * amps),
        };
        response.data(Character(reply.as_bytes())).finish()
    }
}

struct Lock;

impl Command<Unit<Psb>> for Lock {
    cmd_nquery!();
    fn event(&self, unit: &mut Unit<Psb>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        unit.behaviour.locked = parameters.next_data()?;
        Ok(())
    }
}

struct LockOwner;

impl Command<Unit<Psb>> for LockOwner {
    cmd_qonly!();
    fn query(&self, unit: &mut Unit<Psb>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        response.data(Character(if unit.behaviour.locked { b"REMOTE" } else { b"NONE" })).finish()
    }
}

struct SocketTimeout;

impl Command<Unit<Psb>> for SocketTimeout {
    cmd_both!();
    fn event(&self, unit: &mut Unit<Psb>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let seconds: u64 = parameters.next_data()?;
        unit.behaviour.needs_lock()?;
        if seconds != 0 && !(5..=65535).contains(&seconds) {
            return Err(ErrorCode::DataOutOfRange.into());
        }
        unit.behaviour.socket_timeout_s = seconds;
        Ok(())
    }
    fn query(&self, unit: &mut Unit<Psb>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        response.data(unit.behaviour.socket_timeout_s).finish()
    }
}

/// What is asked most stands first: it is looked for from the top.
const TREE: Node<'static, Unit<Psb>> = Root![
    Branch![b"MEASure";
        Branch![b"VOLTage"; Leaf!(default b"DC" => &Measure::Volts)],
        Branch![b"CURRent"; Leaf!(default b"DC" => &Measure::Amps)],
        Branch![b"POWer"; Leaf!(default b"DC" => &Measure::Watts)]],
    ieee488_cls!(),
    ieee488_ese!(),
    ieee488_esr!(),
    Leaf!(b"*IDN" => &Idn),
    ieee488_opc!(),
    ieee488_rst!(),
    ieee488_sre!(),
    ieee488_stb!(),
    ieee488_tst!(),
    ieee488_wai!(),
    scpi_status!(),
    scpi_system!(
        Branch![b"LOCK"; Leaf!(default b"STATe" => &Lock), Leaf!(b"OWNer" => &LockOwner)],
        Branch![b"COMMunicate"; Branch![b"LAN"; Leaf!(b"TIMeout" => &SocketTimeout)]]
    ),
    Branch![default b"SOURce";
        Branch![b"VOLTage";
            Leaf!(default b"LEVel" => &SetPoint(Setting::Volts)),
            Leaf!(b"PROTection" => &SetPoint(Setting::OverVolts))],
        Branch![b"CURRent";
            Leaf!(default b"LEVel" => &SetPoint(Setting::SourceAmps)),
            Leaf!(b"PROTection" => &SetPoint(Setting::SourceOverAmps))]],
    Branch![b"SINK"; Branch![b"CURRent";
        Leaf!(default b"LEVel" => &SetPoint(Setting::SinkAmps)),
        Leaf!(b"PROTection" => &SetPoint(Setting::SinkOverAmps))]],
    Branch![b"OUTPut"; Leaf!(default b"STATe" => &Output)]
];

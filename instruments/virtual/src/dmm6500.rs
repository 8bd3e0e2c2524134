//! Keithley DMM6500 as a DC voltmeter and, in [`crate::digitizer`], as a digitizer.
//!
//! From its data sheet's 1-year table: accuracy, ranges, 20 % overrange.
//! `:READ?` takes the aperture. Entries of its error queue carry a severity and
//! a time after the text. Our assumptions: noise of 0.3 ppm of the range at
//! 1 PLC, falling with the root of the aperture; 0.5 to 1.5 ms for a message.
//! Readings as binary numbers (`FORM REAL` and `SREAL`) as the reference manuals
//! of its family have them: a block `#0`, the low byte first unless told.
//! Not here: other functions.

use std::sync::Arc;
use std::time::Duration;

use hil_timebase::{Clock, Nanos};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scpi::error::Result;
use scpi::tree::prelude::*;
use scpi::{Branch, Leaf, Root, cmd_both, cmd_qonly};
use scpi_contrib::scpi1999::prelude::*;
use scpi_contrib::{
    ieee488_cls, ieee488_ese, ieee488_esr, ieee488_opc, ieee488_rst, ieee488_sre, ieee488_stb, ieee488_tst, ieee488_wai, scpi_status,
};

use crate::digitizer::{self, Digitizing};
use crate::imperfection::{Imperfection, quantised};
use crate::terminals::Terminals;
use crate::unit::{Behaviour, Idn, Unit, run_tree};

/// Range in V, accuracy in percent of reading and V (1 year, 23 ± 5 °C).
const RANGES: [(f64, f64, f64); 5] =
    [(0.1, 0.003, 3.5e-6), (1.0, 0.0025, 6e-6), (10.0, 0.0025, 50e-6), (100.0, 0.004, 0.6e-3), (1000.0, 0.004, 6e-3)];
const MAINS_HZ: f64 = 50.0;
/// Legal apertures in power line cycles at 50 Hz.
const NPLC: std::ops::RangeInclusive<f64> = 0.0005..=12.0;

pub(crate) struct Dmm6500 {
    idn: String,
    terminals: Arc<dyn Terminals>,
    clock: Clock,
    rng: ChaCha8Rng,
    errors: [Imperfection; 5],
    range: usize,
    nplc: f64,
    /// A reading is under way since.
    reading: Option<Nanos>,
    format: Format,
    /// The high byte of a binary number goes first.
    big_endian: bool,
    pub(crate) digitizing: Digitizing,
}

/// How a reading is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Text,
    Single,
    Double,
}

impl Format {
    const ALL: [(Self, &'static [u8], &'static [u8]); 3] =
        [(Self::Text, b"ASC", b"ASCII"), (Self::Double, b"REAL", b"REAL"), (Self::Single, b"SRE", b"SREAL")];
}

impl Dmm6500 {
    pub(crate) fn new(serial: &str, firmware: &str, terminals: Arc<dyn Terminals>, clock: Clock, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let errors = RANGES.map(|(range, percent, offset)| Imperfection::of_reading(percent, offset, range * 0.3e-6, &mut rng));
        let idn = format!("KEITHLEY INSTRUMENTS,MODEL DMM6500,{serial},{firmware}");
        // *RST: autorange; here the largest range until one is chosen.
        Self {
            idn,
            terminals,
            clock,
            rng,
            errors,
            range: RANGES.len() - 1,
            nplc: 1.0,
            reading: None,
            format: Format::Text,
            big_endian: false,
            digitizing: Digitizing::default(),
        }
    }

    pub(crate) fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// Puts into the buffer what was sampled since the last time.
    pub(crate) fn digitize(&mut self) {
        if let Some((first, interval, count)) = self.digitizing.missing(self.clock.now()) {
            let cycles = interval.as_secs_f64() * MAINS_HZ;
            let truths = self.terminals.samples(first, interval, count);
            let samples: Vec<f64> = truths.into_iter().map(|truth| self.shown(truth, cycles)).collect();
            self.digitizing.add(samples);
        }
    }

    fn value(&mut self, since: Nanos) -> f64 {
        let truth = self.terminals.mean_volts(since);
        self.shown(truth, self.nplc)
    }

    /// What it makes of a voltage over so many power line cycles.
    fn shown(&mut self, truth: f64, cycles: f64) -> f64 {
        let (range, _, _) = RANGES[self.range];
        let volts = self.errors[self.range].noisy(truth, cycles.sqrt(), &mut self.rng);
        let most = if range < 1000.0 { range * 1.2 } else { range };
        if volts.abs() > most {
            return 9.9e37_f64.copysign(volts);
        }
        quantised(volts, range * 1e-6)
    }

    /// Readings as they are sent.
    pub(crate) fn formatted(&self, values: &[f64]) -> Vec<u8> {
        let binary = |of: fn(f64, bool) -> Vec<u8>| {
            let mut bytes = b"#0".to_vec();
            bytes.extend(values.iter().flat_map(|value| of(*value, self.big_endian)));
            bytes
        };
        match self.format {
            Format::Text => values.iter().map(|value| text(*value)).collect::<Vec<_>>().join(",").into_bytes(),
            Format::Single => binary(|v, big| if big { (v as f32).to_be_bytes() } else { (v as f32).to_le_bytes() }.to_vec()),
            Format::Double => binary(|v, big| if big { v.to_be_bytes() } else { v.to_le_bytes() }.to_vec()),
        }
    }
}

fn text(value: f64) -> String {
    if value.abs() == 9.9e37 { format!("{}9.900000E+37", if value < 0.0 { "-" } else { "" }) } else { nr3(value) }
}

impl Behaviour for Dmm6500 {
    fn idn(&self) -> &str {
        &self.idn
    }

    fn reset(&mut self) {
        self.range = RANGES.len() - 1;
        self.nplc = 1.0;
        self.format = Format::Text;
        self.big_endian = false;
        self.digitizing = Digitizing::default();
    }

    fn run(unit: &mut Unit<Self>, message: &[u8], out: &mut Vec<u8>) {
        run_tree(&TREE, unit, message, out);
    }

    fn latency(&mut self) -> Duration {
        Duration::from_micros(self.rng.random_range(500..1_500))
    }

    fn start(&mut self) {
        self.reading = None;
        self.reset();
    }

    fn aperture(&self) -> Option<Duration> {
        self.reading.map(|_| Duration::from_secs_f64(self.nplc / MAINS_HZ))
    }

    fn complete(&mut self) -> Option<Vec<u8>> {
        let value = self.reading.take().map(|since| self.value(since))?;
        Some(self.formatted(&[value]))
    }
}

/// NR3 with eight digits, as it prints readings: `1.2800010E+01`.
fn nr3(value: f64) -> String {
    let mut text = format!("{value:.7e}");
    let at = text.find('e').unwrap_or(text.len());
    let exponent = text.split_off(at);
    let (sign, digits) = exponent.strip_prefix("e-").map_or(('+', exponent.trim_start_matches('e')), |d| ('-', d));
    text.extend(['E', sign]);
    if digits.len() < 2 {
        text.push('0');
    }
    text.push_str(digits);
    text
}

struct Function;

impl Command<Unit<Dmm6500>> for Function {
    cmd_both!();
    fn event(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let function: &[u8] = parameters.next_data()?;
        let known: [&[u8]; 4] = [b"VOLT:DC", b"VOLT", b"VOLTAGE:DC", b"VOLTAGE"];
        if !known.iter().any(|k| k.eq_ignore_ascii_case(function)) {
            return Err(ErrorCode::IllegalParameterValue.into());
        }
        unit.behaviour.digitizing.leave();
        Ok(())
    }
    fn query(&self, _: &mut Unit<Dmm6500>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        response.data(&b"VOLT:DC"[..]).finish()
    }
}

struct Range;

impl Command<Unit<Dmm6500>> for Range {
    cmd_both!();
    fn event(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let volts: f64 = parameters.next_data()?;
        let fits = RANGES.iter().position(|(range, _, _)| volts.abs() <= *range * (1.0 + 1e-9));
        unit.behaviour.range = fits.ok_or(ErrorCode::DataOutOfRange)?;
        Ok(())
    }
    fn query(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        let reply = RANGES[unit.behaviour.range].0.to_string();
        response.data(Character(reply.as_bytes())).finish()
    }
}

struct Aperture;

impl Command<Unit<Dmm6500>> for Aperture {
    cmd_both!();
    fn event(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let nplc: f64 = parameters.next_data()?;
        if !NPLC.contains(&nplc) {
            return Err(ErrorCode::DataOutOfRange.into());
        }
        unit.behaviour.nplc = nplc;
        Ok(())
    }
    fn query(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        let reply = unit.behaviour.nplc.to_string();
        response.data(Character(reply.as_bytes())).finish()
    }
}

/// Begins a reading; its reply comes when the aperture is over.
struct Read;

impl Command<Unit<Dmm6500>> for Read {
    cmd_qonly!();
    fn query(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        unit.behaviour.reading = Some(unit.behaviour.clock.now());
        response.finish()
    }
}

/// `FORMat[:DATA]`
struct DataFormat;

impl Command<Unit<Dmm6500>> for DataFormat {
    cmd_both!();
    fn event(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let Character(word) = parameters.next_data()?;
        let found = Format::ALL.iter().find(|(_, short, long)| word.eq_ignore_ascii_case(short) || word.eq_ignore_ascii_case(long));
        unit.behaviour.format = found.ok_or(ErrorCode::IllegalParameterValue)?.0;
        Ok(())
    }
    fn query(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        let found = Format::ALL.iter().find(|(format, _, _)| *format == unit.behaviour.format);
        response.data(Character(found.map_or(&b"ASC"[..], |(_, short, _)| short))).finish()
    }
}

/// `FORMat:BORDer`
struct ByteOrder;

impl Command<Unit<Dmm6500>> for ByteOrder {
    cmd_both!();
    fn event(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let Character(word) = parameters.next_data()?;
        unit.behaviour.big_endian = match &word.to_ascii_uppercase()[..] {
            b"NORM" | b"NORMAL" => true,
            b"SWAP" | b"SWAPPED" => false,
            _ => return Err(ErrorCode::IllegalParameterValue.into()),
        };
        Ok(())
    }
    fn query(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        response.data(Character(if unit.behaviour.big_endian { b"NORM" } else { b"SWAP" })).finish()
    }
}

struct ErrorNext;

impl Command<Unit<Dmm6500>> for ErrorNext {
    cmd_qonly!();
    fn query(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        let reply = match unit.pop_front_error() {
            None => "0,\"No error;0;0 0\"".to_owned(),
            Some(e) => {
                let text = String::from_utf8_lossy(e.get_message()).into_owned();
                format!("{},\"{text};1;{}\"", e.get_code(), unit.behaviour.clock.now())
            }
        };
        response.data(Character(reply.as_bytes())).finish()
    }
}

struct LanguageName;

impl Command<Unit<Dmm6500>> for LanguageName {
    cmd_qonly!();
    fn query(&self, _: &mut Unit<Dmm6500>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        response.data(Character(b"SCPI")).finish()
    }
}

/// What is asked most stands first: it is looked for from the top.
const TREE: Node<'static, Unit<Dmm6500>> = Root![
    Leaf!(b"READ" => &Read),
    ieee488_cls!(),
    ieee488_ese!(),
    ieee488_esr!(),
    Leaf!(b"*IDN" => &Idn),
    Leaf!(b"*LANG" => &LanguageName),
    ieee488_opc!(),
    ieee488_rst!(),
    ieee488_sre!(),
    ieee488_stb!(),
    ieee488_tst!(),
    ieee488_wai!(),
    scpi_status!(),
    Branch![b"SYSTem"; Branch![b"ERRor"; Leaf!(default b"NEXT" => &ErrorNext)]],
    Branch![default b"SENSe";
        Leaf!(b"FUNCtion" => &Function),
        Branch![b"VOLTage"; Branch![default b"DC";
            Leaf!(b"RANGe" => &Range),
            Leaf!(b"NPLCycles" => &Aperture)]],
        Branch![b"DIGitize";
            Leaf!(b"FUNCtion" => &digitizer::Function),
            Branch![b"VOLTage"; Leaf!(b"RANGe" => &Range), Leaf!(b"SRATe" => &digitizer::Rate)]]],
    Branch![b"TRACe";
        Leaf!(b"ACTual" => &digitizer::Actual),
        Leaf!(b"DATA" => &digitizer::Data),
        Leaf!(b"POINts" => &digitizer::Points)],
    Branch![b"TRIGger";
        Leaf!(b"LOAD" => &digitizer::Load),
        Branch![b"BLOCk";
            Branch![b"BUFFer"; Leaf!(b"CLEar" => &digitizer::BlockClear)],
            Leaf!(b"MDIGitize" => &digitizer::BlockDigitize)]],
    Branch![b"INITiate"; Leaf!(default b"IMMediate" => &digitizer::Initiate)],
    Leaf!(b"ABORt" => &digitizer::Abort),
    Branch![b"FORMat"; Leaf!(default b"DATA" => &DataFormat), Leaf!(b"BORDer" => &ByteOrder)]
];

//! What all virtual instruments have: registers, an error queue, common
//! commands.
//!
//! Two of `scpi-contrib`'s defaults are replaced: its `*CLS` leaves the error
//! queue as it is (IEEE 488.2 10.3 empties it), and its `*OPC` puts an entry
//! into it, so that the next `SYST:ERR?` is not zero.

use std::collections::VecDeque;
use std::time::Duration;

use scpi::cmd_qonly;
use scpi::error::Result;
use scpi::tree::prelude::*;
use scpi_contrib::ieee488::IEEE4882;
use scpi_contrib::scpi1999::prelude::*;

use crate::tidy::tidied;

/// Entries the error queue holds before it overflows.
const QUEUE: usize = 20;

/// What one model does.
pub(crate) trait Behaviour: Sized {
    /// Its `*IDN?` reply.
    fn idn(&self) -> &str;
    /// `*RST`.
    fn reset(&mut self);
    /// Its commands.
    fn run(unit: &mut Unit<Self>, message: &[u8], out: &mut Vec<u8>);
    /// Before a message takes effect.
    fn latency(&mut self) -> Duration;
    /// Called before each message; what it returns goes into the error queue.
    fn watch(&mut self) -> Option<Error> {
        None
    }
    /// A reading is under way and takes this long.
    fn aperture(&self) -> Option<Duration> {
        None
    }
    /// The reading is complete: its reply.
    fn complete(&mut self) -> Option<Vec<u8>> {
        None
    }
    /// Closes the link after so long without a message.
    fn idle_close(&self) -> Option<Duration> {
        None
    }
    /// Its inhibit input was pulled: no output stays on.
    fn inhibit(&mut self) {}
    /// It starts anew, as when it is switched on.
    fn start(&mut self);
    /// Its power stage gives and takes no more than this from now on.
    fn derate(&mut self, _amps: Option<f64>) {}
}

/// An instrument of any model, as its links see it.
pub(crate) trait Served {
    /// As [`Behaviour::latency`].
    fn latency(&mut self) -> Duration;
    /// Carries out one message; what it replies is added to `out`.
    fn execute(&mut self, message: &[u8], out: &mut Vec<u8>);
    /// As [`Behaviour::aperture`].
    fn aperture(&self) -> Option<Duration>;
    /// Adds the reply of a reading that took its time.
    fn complete(&mut self, out: &mut Vec<u8>);
    /// As [`Behaviour::idle_close`].
    fn idle_close(&self) -> Option<Duration>;
    /// As [`Behaviour::inhibit`].
    fn inhibit(&mut self);
    /// Refuses a command.
    fn refuse(&mut self);
    /// Is triggered beside its messages. None of the models waits for that.
    fn trigger(&mut self);
    /// A reply was given up for the next message.
    fn interrupted(&mut self);
    /// The status byte, without the bit that tells of a reply.
    fn status_byte(&self) -> u8;
    /// Starts anew, with everything lost.
    fn reboot(&mut self);
    /// As [`Behaviour::derate`]; the questionable status tells of it.
    fn derate(&mut self, amps: Option<f64>);
}

/// The output is regulated by neither set value: bit 10 of the questionable
/// status, as other makers' `UNR`.
const UNREGULATED: u16 = 1 << 10;

/// Power was switched on: bit 7 of the standard event status (IEEE 488.2 11.5.1).
const POWER_ON: u8 = 1 << 7;

/// A model with its registers.
pub(crate) struct Unit<B> {
    pub(crate) behaviour: B,
    esr: u8,
    ese: u8,
    sre: u8,
    operation: EventRegister,
    questionable: EventRegister,
    errors: VecDeque<Error>,
}

impl<B: Behaviour> Unit<B> {
    pub(crate) fn new(behaviour: B) -> Self {
        Self {
            behaviour,
            esr: POWER_ON,
            ese: 0,
            sre: 0,
            operation: EventRegister::default(),
            questionable: EventRegister::default(),
            errors: VecDeque::new(),
        }
    }
}

impl<B: Behaviour> Served for Unit<B> {
    fn latency(&mut self) -> Duration {
        self.behaviour.latency()
    }

    fn aperture(&self) -> Option<Duration> {
        self.behaviour.aperture()
    }

    fn idle_close(&self) -> Option<Duration> {
        self.behaviour.idle_close()
    }

    fn inhibit(&mut self) {
        self.behaviour.inhibit();
    }

    fn refuse(&mut self) {
        self.push_error(ErrorCode::ExecutionError.into());
    }

    fn trigger(&mut self) {
        self.push_error(ErrorCode::TriggerIgnored.into());
    }

    fn interrupted(&mut self) {
        self.push_error(ErrorCode::QueryInterrupted.into());
    }

    fn status_byte(&self) -> u8 {
        self.scpi_stb()
    }

    fn reboot(&mut self) {
        self.behaviour.start();
        self.esr = POWER_ON;
        (self.ese, self.sre) = (0, 0);
        (self.operation, self.questionable) = (EventRegister::default(), EventRegister::default());
        self.errors.clear();
    }

    fn derate(&mut self, amps: Option<f64>) {
        self.behaviour.derate(amps);
        match amps {
            Some(_) => self.questionable.set_condition_bits(UNREGULATED),
            None => self.questionable.clear_condition_bits(UNREGULATED),
        }
    }

    fn execute(&mut self, message: &[u8], out: &mut Vec<u8>) {
        if let Some(error) = self.behaviour.watch() {
            self.push_error(error);
        }
        B::run(self, &tidied(message), out);
        // After an error in a compound message the crate leaves the replies
        // before it without an end.
        if out.last() == Some(&b';') {
            out.pop();
        }
        if out.last().is_some_and(|b| *b != b'\n') {
            out.push(b'\n');
        }
    }

    fn complete(&mut self, out: &mut Vec<u8>) {
        if let Some(reply) = self.behaviour.complete() {
            if out.last() == Some(&b'\n') {
                *out.last_mut().unwrap_or(&mut 0) = b';';
            }
            out.extend_from_slice(&reply);
            out.push(b'\n');
        }
    }
}

/// Runs `tree`; errors go into the queue.
pub(crate) fn run_tree<B: Behaviour>(tree: &Node<'_, Unit<B>>, unit: &mut Unit<B>, message: &[u8], out: &mut Vec<u8>) {
    let mut context = Context::default();
    // The error is in the queue already, by `handle_error`.
    let _ = tree.run(message, unit, &mut context, out);
}

impl<B: Behaviour> Device for Unit<B> {
    fn handle_error(&mut self, error: Error) {
        self.push_error(error);
    }
}

impl<B: Behaviour> IEEE4882 for Unit<B> {
    fn stb(&self) -> u8 {
        self.scpi_stb()
    }
    fn sre(&self) -> u8 {
        self.sre
    }
    fn set_sre(&mut self, value: u8) {
        self.sre = value;
    }
    fn esr(&self) -> u8 {
        self.esr
    }
    fn set_esr(&mut self, value: u8) {
        self.esr = value;
    }
    fn ese(&self) -> u8 {
        self.ese
    }
    fn set_ese(&mut self, value: u8) {
        self.ese = value;
    }
    fn tst(&mut self) -> Result<()> {
        Ok(())
    }
    fn rst(&mut self) -> Result<()> {
        self.behaviour.reset();
        Ok(())
    }
    fn cls(&mut self) -> Result<()> {
        self.clear_errors();
        self.scpi_cls()
    }
    fn opc(&mut self) -> Result<()> {
        self.esr |= ErrorCode::OperationComplete.esr_mask();
        Ok(())
    }
}

impl<B> GetEventRegister<Operation> for Unit<B> {
    fn register(&self) -> &EventRegister {
        &self.operation
    }
    fn register_mut(&mut self) -> &mut EventRegister {
        &mut self.operation
    }
}

impl<B> GetEventRegister<Questionable> for Unit<B> {
    fn register(&self) -> &EventRegister {
        &self.questionable
    }
    fn register_mut(&mut self) -> &mut EventRegister {
        &mut self.questionable
    }
}

impl<B> ErrorQueue for Unit<B> {
    fn push_back_error(&mut self, error: Error) {
        if self.errors.len() < QUEUE {
            self.errors.push_back(error);
        } else if let Some(last) = self.errors.back_mut() {
            *last = ErrorCode::QueueOverflow.into();
        }
    }
    fn pop_front_error(&mut self) -> Option<Error> {
        self.errors.pop_front()
    }
    fn num_errors(&self) -> usize {
        self.errors.len()
    }
    fn clear_errors(&mut self) {
        self.errors.clear();
    }
}

impl<B: Behaviour> ScpiDevice for Unit<B> {}

/// `*IDN?`
pub(crate) struct Idn;

impl<B: Behaviour> Command<Unit<B>> for Idn {
    cmd_qonly!();
    fn query(&self, unit: &mut Unit<B>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        response.data(Character(unit.behaviour.idn().as_bytes())).finish()
    }
}

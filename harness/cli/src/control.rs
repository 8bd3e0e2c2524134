//! Ctrl-C and other signals, taken by a thread of their own, so that a virtual
//! runtime needs no I/O driver.

use hil_engine::Control;
use hil_record::{Event, EventSink, SinkError};
use hil_timebase::Clock;
use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};
use signal_hook::iterator::Signals;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Every signal that would end the program with its outputs on, except those
/// that nobody can take (SIGKILL) and those of a broken program.
const ENDING: [i32; 9] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU, SIGXFSZ];

/// Starts the thread; what it hears, and what others send, comes out of the
/// receiver.
///
/// # Errors
/// The operating system's, when signals cannot be taken.
pub fn listen(clock: &Clock) -> std::io::Result<(UnboundedSender<Control>, UnboundedReceiver<Control>)> {
    let (sender, receiver) = unbounded_channel();
    let mut signals = Signals::new(ENDING)?;
    let (clock, others) = (clock.clone(), sender.clone());
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            // A closed channel means that the run is over: nothing to stop.
            if sender.send(Control::Interrupt { by: name(signal).to_owned() }).is_err() {
                return;
            }
            clock.nudge();
        }
    })?;
    Ok((others, receiver))
}

/// Interrupts at events of certain numbers.
pub struct AtEvents {
    /// The numbers.
    pub numbers: Vec<u64>,
    /// Where to.
    pub control: UnboundedSender<Control>,
}

impl EventSink for AtEvents {
    fn name(&self) -> &str {
        "interrupts"
    }

    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        if self.numbers.contains(&event.seq) {
            // A closed channel means that the run is over.
            let _ = self.control.send(Control::Interrupt { by: "--interrupt-at".to_owned() });
        }
        Ok(())
    }
}

const fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "SIGINT",
        SIGTERM => "SIGTERM",
        SIGHUP => "SIGHUP",
        SIGQUIT => "SIGQUIT",
        SIGUSR1 => "SIGUSR1",
        SIGUSR2 => "SIGUSR2",
        SIGALRM => "SIGALRM",
        SIGXCPU => "SIGXCPU",
        SIGXFSZ => "SIGXFSZ",
        _ => "signal",
    }
}

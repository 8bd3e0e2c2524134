//! What is wrong with an instrument at present, and how that shows on its links.

use std::cell::{Cell, RefCell};

use hil_timebase::{Clock, Nanos};
use tokio::sync::Notify;

use crate::faults::InstrumentFault;

/// All of it.
#[derive(Default)]
pub(crate) struct Ailments {
    /// By the number of their beginning.
    present: RefCell<Vec<(u64, InstrumentFault)>>,
    begun: Cell<u64>,
    /// One is over.
    over: Notify,
    /// The last answer, as it should have been.
    last: RefCell<Vec<u8>>,
    /// An answer that is left over.
    backlog: RefCell<Vec<u8>>,
    /// When a query came that got no answer.
    unanswered: RefCell<Vec<Nanos>>,
    /// How many answers were garbage.
    garbled: Cell<u64>,
}

impl Ailments {
    pub(crate) fn begin(&self, fault: &InstrumentFault) -> u64 {
        let number = self.begun.get() + 1;
        self.begun.set(number);
        if *fault == InstrumentFault::Previous {
            *self.backlog.borrow_mut() = self.last.borrow().clone();
        }
        self.present.borrow_mut().push((number, fault.clone()));
        number
    }

    pub(crate) fn end(&self, number: u64) {
        self.present.borrow_mut().retain(|(n, _)| *n != number);
        self.over.notify_waiters();
    }

    /// The first that is `wanted`.
    pub(crate) fn find<T>(&self, wanted: impl FnMut(&InstrumentFault) -> Option<T>) -> Option<T> {
        self.present.borrow().iter().map(|(_, fault)| fault).find_map(wanted)
    }

    pub(crate) fn any(&self, wanted: impl Fn(&InstrumentFault) -> bool) -> bool {
        self.find(|fault| wanted(fault).then_some(())).is_some()
    }

    /// The link has gone, and with it what was left over.
    pub(crate) fn forget(&self) {
        self.backlog.borrow_mut().clear();
        self.last.borrow_mut().clear();
    }

    /// Waits for the end of a hang. Whether the message that came meanwhile is
    /// still there: one that came during a start is not.
    pub(crate) async fn awake(&self, message: &[u8], clock: &Clock) -> bool {
        let (mut first, mut kept) = (true, true);
        loop {
            let over = self.over.notified();
            let booting = self.any(|f| matches!(f, InstrumentFault::Reboot { .. }));
            if !booting && !self.any(|f| *f == InstrumentFault::Hang) {
                return kept;
            }
            kept &= !booting;
            if std::mem::take(&mut first) && message.contains(&b'?') {
                self.unanswered.borrow_mut().push(clock.now());
            }
            over.await;
        }
    }

    /// When queries came that got no answer in time, if any.
    pub(crate) fn unanswered(&self) -> Vec<Nanos> {
        self.unanswered.borrow().clone()
    }

    /// Makes of an answer what is sent, and waits for as long as that is late.
    pub(crate) async fn spoil(&self, message: &[u8], answer: &mut Vec<u8>, clock: &Clock) {
        if answer.is_empty() {
            return;
        }
        let own = answer.clone();
        self.spoil_reading(message, answer);
        if self.any(|f| *f == InstrumentFault::Previous) {
            std::mem::swap(answer, &mut self.backlog.borrow_mut());
        } else {
            let left = std::mem::take(&mut *self.backlog.borrow_mut());
            answer.splice(..0, left);
        }
        *self.last.borrow_mut() = own;
        if self.any(|f| *f == InstrumentFault::Garbage) {
            self.garbled.set(self.garbled.get() + 1);
            *answer = garbage(self.garbled.get());
        }
        if let Some(ended) = self.find(|f| if let InstrumentFault::Half { ended } = f { Some(*ended) } else { None }) {
            answer.truncate(answer.len().saturating_sub(1).div_ceil(2));
            answer.extend(ended.then_some(b'\n'));
        }
        if let Some(by) = self.find(|f| if let InstrumentFault::Late { by } = f { Some(*by) } else { None }) {
            clock.sleep(by).await;
        }
    }

    /// No number where there should be one, with its unit where it had one.
    fn spoil_reading(&self, message: &[u8], answer: &mut Vec<u8>) {
        let reads = message.windows(4).any(|w| w.eq_ignore_ascii_case(b"MEAS") || w.eq_ignore_ascii_case(b"READ"));
        let word = self.find(|f| match f {
            InstrumentFault::NotANumber => Some("NAN"),
            InstrumentFault::NoValue => Some("9.910000E+37"),
            _ => None,
        });
        if let Some(word) = word.filter(|_| reads) {
            let unit = answer.iter().rev().find(|b| !b.is_ascii_whitespace()).copied().filter(u8::is_ascii_alphabetic);
            *answer = word.bytes().chain(unit).chain([b'\n']).collect();
        }
    }
}

/// Bytes that are no answer to anything: none of them is a digit.
fn garbage(nth: u64) -> Vec<u8> {
    const SOME: &[u8] = b"\xff\x00q;\xfe,#\x1b@~\x80z?\x07\xaa";
    let length = 3 + (nth % 17) as usize;
    (0..length).map(|i| SOME[(nth as usize * 7 + i * 5) % SOME.len()]).chain([b'\n']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use hil_timebase::Runtime;

    async fn sent(ailments: &Ailments, clock: &Clock, message: &str, answer: &str) -> String {
        let mut bytes = answer.as_bytes().to_vec();
        ailments.spoil(message.as_bytes(), &mut bytes, clock).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn with(body: impl AsyncFnOnce(Ailments, Clock)) {
        let runtime = Runtime::virtual_time().expect("a runtime");
        let clock = runtime.clock();
        runtime.block_on(body(Ailments::default(), clock)).expect("no halt");
    }

    #[test]
    fn answers_fall_behind_and_the_last_is_left_over() {
        with(async |ailments, clock| {
            assert_eq!(sent(&ailments, &clock, "A?", "1\n").await, "1\n");
            let number = ailments.begin(&InstrumentFault::Previous);
            assert_eq!(sent(&ailments, &clock, "B?", "2\n").await, "1\n");
            assert_eq!(sent(&ailments, &clock, "C?", "3\n").await, "2\n");
            ailments.end(number);
            assert_eq!(sent(&ailments, &clock, "D?", "4\n").await, "3\n4\n");
            assert_eq!(sent(&ailments, &clock, "E?", "5\n").await, "5\n");
        });
    }

    #[test]
    fn halves_and_what_is_no_number() {
        with(async |ailments, clock| {
            for (fault, message, answer, expected) in [
                (InstrumentFault::Half { ended: true }, "MEAS:VOLT?", "12.800V\n", "12.8\n"),
                (InstrumentFault::Half { ended: false }, "SYST:ERR?", "0,\"No error\"\n", "0,\"No "),
                (InstrumentFault::NotANumber, "MEAS:VOLT?", "12.800V\n", "NANV\n"),
                (InstrumentFault::NoValue, ":READ?", "1.28E+01\n", "9.910000E+37\n"),
                (InstrumentFault::NoValue, "VOLT?", "12.800V\n", "12.800V\n"),
            ] {
                let number = ailments.begin(&fault);
                assert_eq!(sent(&ailments, &clock, message, answer).await, expected, "{fault:?}");
                ailments.end(number);
            }
        });
    }

    #[test]
    fn a_hang_is_waited_for_and_a_start_swallows_what_came() {
        with(async |ailments, clock| {
            for (fault, kept) in [(InstrumentFault::Hang, true), (InstrumentFault::Reboot { keeps_link: true }, false)] {
                let begun = clock.now();
                let number = ailments.begin(&fault);
                let ends = async {
                    clock.sleep(Duration::from_secs(2)).await;
                    ailments.end(number);
                };
                let awake = ailments.awake(b"*IDN?", &clock);
                let (found, ()) = tokio::join!(awake, ends);
                assert_eq!((found, clock.now().since(begun)), (kept, Duration::from_secs(2)), "{fault:?}");
            }
            assert_eq!(ailments.unanswered().len(), 2);
            ailments.begin(&InstrumentFault::Late { by: Duration::from_millis(300) });
            let begun = clock.now();
            assert_eq!(sent(&ailments, &clock, "VOLT?", "1\n").await, "1\n");
            assert_eq!(clock.now().since(begun), Duration::from_millis(300));
        });
    }
}

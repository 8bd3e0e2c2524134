//! A link: what it was told and is carried out, and what there is to say.

use std::rc::Rc;

use hil_client::vxi11::core::{REASON_CHARACTER, REASON_COUNT, REASON_END, ReadDone};
use tokio::sync::{Notify, OwnedSemaphorePermit};

use crate::instrument::Instrument;
use crate::locks::Client;
use crate::work::Work;

/// Longest message of all parts, for the server's sake; an instrument's own input
/// buffer holds less.
const INPUT: usize = 1 << 20;

pub(super) struct Link {
    pub(super) client: Client,
    /// Where an instrument serves one client at a time.
    _place: Option<OwnedSemaphorePermit>,
    /// Parts of a message that is not whole.
    input: Vec<u8>,
    work: Rc<Work>,
    abort: Rc<Abort>,
}

/// From the abort channel.
#[derive(Default)]
pub(super) struct Abort(Notify);

impl Abort {
    /// Ends the call that is under way.
    pub(super) fn abort(&self) {
        self.0.notify_waiters();
    }

    pub(super) fn aborted(&self) -> impl Future<Output = ()> + '_ {
        self.0.notified()
    }
}

impl Link {
    pub(super) fn new(instrument: Rc<Instrument>, client: Client, place: Option<OwnedSemaphorePermit>) -> Self {
        Self { client, _place: place, input: Vec::new(), work: Rc::new(Work::new(instrument)), abort: Rc::default() }
    }

    pub(super) const fn work(&self) -> &Rc<Work> {
        &self.work
    }

    pub(super) fn instrument(&self) -> &Instrument {
        self.work.instrument()
    }

    pub(super) const fn abort(&self) -> &Rc<Abort> {
        &self.abort
    }

    /// A part of a message, and whether it is the last. `false`: it is too long.
    pub(super) fn write(&mut self, part: &[u8], end: bool) -> bool {
        if self.input.len() + part.len() > INPUT {
            self.input.clear();
            return false;
        }
        self.input.extend_from_slice(part);
        // A line feed ends a message, too (IEEE 488.2 7.5).
        if (end || part.ends_with(b"\n")) && !self.input.is_empty() {
            self.work.carry_out(std::mem::take(&mut self.input));
        }
        true
    }

    /// A part of what there is to say: at most `size` bytes, not beyond `last`.
    pub(super) fn read(&self, size: usize, last: Option<u8>) -> Option<ReadDone> {
        let mut output = self.work.output().borrow_mut();
        if output.is_empty() {
            return None;
        }
        let most = size.min(output.len());
        let found = last.and_then(|last| output.iter().take(most).position(|b| *b == last));
        let n = found.map_or(most, |at| at + 1);
        let data: Vec<u8> = output.drain(..n).collect();
        let reasons = [(n == size, REASON_COUNT), (found.is_some(), REASON_CHARACTER), (output.is_empty(), REASON_END)];
        let reason = reasons.iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).sum();
        Some(ReadDone { error: 0, reason, data })
    }

    /// Nothing is under way any more, and there is nothing to say.
    pub(super) fn clear(&mut self) {
        self.input.clear();
        self.work.clear();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.work.stop();
        self.instrument().locks().leave(self.client);
    }
}

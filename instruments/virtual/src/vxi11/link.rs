//! A link: what it was told and is carried out, and what there is to say.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use hil_client::vxi11::core::{REASON_CHARACTER, REASON_COUNT, REASON_END, ReadDone};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::task::AbortHandle;

use crate::instrument::Instrument;
use crate::locks::Client;

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
    worker: RefCell<Option<AbortHandle>>,
}

/// What goes on while nobody calls.
pub(super) struct Work {
    instrument: Rc<Instrument>,
    waiting: RefCell<VecDeque<Vec<u8>>>,
    busy: Cell<bool>,
    /// Replies that were not read.
    output: RefCell<VecDeque<u8>>,
    /// There is more of them.
    more: Notify,
    /// From the abort channel.
    abort: Notify,
}

impl Work {
    /// Ends the call that is under way.
    pub(super) fn abort(&self) {
        self.abort.notify_waiters();
    }

    pub(super) fn aborted(&self) -> impl Future<Output = ()> + '_ {
        self.abort.notified()
    }

    pub(super) fn more(&self) -> impl Future<Output = ()> + '_ {
        self.more.notified()
    }

    async fn run(&self) {
        while let Some(message) = self.next() {
            if !self.output.borrow().is_empty() {
                // IEEE 488.2 6.3.2.3: the reply is given up for the next message.
                self.output.borrow_mut().clear();
                self.instrument.interrupted();
            }
            let answer = self.instrument.answer_all(&message).await;
            self.output.borrow_mut().extend(answer);
            self.more.notify_waiters();
        }
        self.busy.set(false);
    }

    fn next(&self) -> Option<Vec<u8>> {
        self.waiting.borrow_mut().pop_front()
    }
}

impl Link {
    pub(super) fn new(instrument: Rc<Instrument>, client: Client, place: Option<OwnedSemaphorePermit>) -> Self {
        let work = Work {
            instrument,
            waiting: RefCell::default(),
            busy: Cell::new(false),
            output: RefCell::default(),
            more: Notify::new(),
            abort: Notify::new(),
        };
        Self { client, _place: place, input: Vec::new(), work: Rc::new(work), worker: RefCell::new(None) }
    }

    pub(super) const fn work(&self) -> &Rc<Work> {
        &self.work
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
            self.work.waiting.borrow_mut().push_back(std::mem::take(&mut self.input));
            if !self.work.busy.replace(true) {
                let work = Rc::clone(&self.work);
                let task = tokio::task::spawn_local(async move { work.run().await });
                *self.worker.borrow_mut() = Some(task.abort_handle());
            }
        }
        true
    }

    /// A part of what there is to say: at most `size` bytes, not beyond `last`.
    pub(super) fn read(&self, size: usize, last: Option<u8>) -> Option<ReadDone> {
        let mut output = self.work.output.borrow_mut();
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

    /// Whether there is something to say.
    pub(super) fn has_output(&self) -> bool {
        !self.work.output.borrow().is_empty()
    }

    /// Nothing is under way any more, and there is nothing to say.
    pub(super) fn clear(&mut self) {
        self.stop();
        self.input.clear();
        self.work.waiting.borrow_mut().clear();
        self.work.output.borrow_mut().clear();
        self.work.busy.set(false);
        self.work.instrument.device_clear();
    }

    fn stop(&self) {
        if let Some(worker) = self.worker.borrow_mut().take() {
            worker.abort();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop();
        self.work.instrument.locks().leave(self.client);
    }
}

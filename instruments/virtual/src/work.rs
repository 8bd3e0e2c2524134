//! What an instrument was told by messages that have an end of their own, and what it
//! has to say to them: for links that ask for replies (VXI-11, GPIB).

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::instrument::Instrument;

/// What goes on while nobody asks.
pub(crate) struct Work {
    instrument: Rc<Instrument>,
    waiting: RefCell<VecDeque<Vec<u8>>>,
    busy: Cell<bool>,
    /// Replies that were not read.
    output: RefCell<VecDeque<u8>>,
    /// There is more of them.
    more: Notify,
    worker: RefCell<Option<AbortHandle>>,
}

impl Work {
    pub(crate) fn new(instrument: Rc<Instrument>) -> Self {
        Self {
            instrument,
            waiting: RefCell::default(),
            busy: Cell::new(false),
            output: RefCell::default(),
            more: Notify::new(),
            worker: RefCell::new(None),
        }
    }

    pub(crate) const fn instrument(&self) -> &Rc<Instrument> {
        &self.instrument
    }

    /// A whole message; is carried out after those before it.
    pub(crate) fn carry_out(self: &Rc<Self>, message: Vec<u8>) {
        self.waiting.borrow_mut().push_back(message);
        if !self.busy.replace(true) {
            let work = Rc::clone(self);
            let task = tokio::task::spawn_local(async move { work.run().await });
            *self.worker.borrow_mut() = Some(task.abort_handle());
        }
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

    /// Ready when there is more to say than when it was called.
    pub(crate) fn more(&self) -> impl Future<Output = ()> + '_ {
        self.more.notified()
    }

    /// All there is to say, once there is anything.
    pub(crate) async fn reply(&self) -> Vec<u8> {
        loop {
            let more = self.more();
            if self.has_output() {
                return self.output.borrow_mut().drain(..).collect();
            }
            more.await;
        }
    }

    /// Replies that were not read.
    pub(crate) const fn output(&self) -> &RefCell<VecDeque<u8>> {
        &self.output
    }

    pub(crate) fn has_output(&self) -> bool {
        !self.output.borrow().is_empty()
    }

    /// Nothing is under way any more, and there is nothing to say.
    pub(crate) fn clear(&self) {
        self.stop();
        self.waiting.borrow_mut().clear();
        self.output.borrow_mut().clear();
        self.busy.set(false);
        self.instrument.device_clear();
    }

    /// What is under way is not ended.
    pub(crate) fn stop(&self) {
        if let Some(worker) = self.worker.borrow_mut().take() {
            worker.abort();
        }
    }
}

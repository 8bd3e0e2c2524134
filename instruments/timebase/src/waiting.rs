//! A future under a name, so that a deadlock can say who waits for what.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::heap::Shared;

/// Made by [`crate::Clock::waiting`].
pub struct Waiting<F> {
    future: Pin<Box<F>>,
    _label: Option<Label>,
}

struct Label {
    shared: Arc<Shared>,
    id: u64,
}

impl<F> Waiting<F> {
    pub(crate) fn new(shared: Option<Arc<Shared>>, label: String, future: F) -> Self {
        let label = shared.map(|shared| {
            let mut state = shared.state();
            let id = state.waiting.last_key_value().map_or(0, |(k, _)| k + 1);
            state.waiting.insert(id, label);
            drop(state);
            Label { shared, id }
        });
        Self { future: Box::pin(future), _label: label }
    }
}

impl<F: Future> Future for Waiting<F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.future.as_mut().poll(cx)
    }
}

impl Drop for Label {
    fn drop(&mut self) {
        self.shared.state().waiting.remove(&self.id);
    }
}

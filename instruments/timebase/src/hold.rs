//! A guard that keeps virtual time still.

use std::sync::Arc;

use crate::heap::Shared;

/// While one lives, virtual time does not move. Dropping it, also on another
/// thread, lets time go on.
pub struct Hold(Option<Arc<Shared>>);

impl Hold {
    pub(crate) fn new(shared: Option<Arc<Shared>>) -> Self {
        if let Some(shared) = &shared {
            shared.state().holds += 1;
        }
        Self(shared)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let Some(shared) = self.0.take() else { return };
        let mut state = shared.state();
        state.holds -= 1;
        // The runtime is parked without a deadline: only a waker brings it
        // back to its hook.
        let root = if state.holds == 0 { state.root.clone() } else { None };
        drop(state);
        if let Some(root) = root {
            root.wake();
        }
    }
}

//! Counts how long a condition has held, in whole ticks.

use crate::io::TICK_MS;

/// `None` while the condition does not hold; 0 in the tick it begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Held(Option<u32>);

impl Held {
    /// One tick; returns how long the condition has held, ms.
    pub(crate) fn tick(&mut self, holds: bool) -> Option<u32> {
        self.0 = match self.0 {
            _ if !holds => None,
            None => Some(0),
            Some(ms) => Some(ms.saturating_add(TICK_MS)),
        };
        self.0
    }

    /// As of the last tick, ms.
    pub(crate) fn ms(self) -> Option<u32> {
        self.0
    }

    /// True once it has held for at least `ms`.
    pub(crate) fn reached(self, ms: u32) -> bool {
        self.0.is_some_and(|held| held >= ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_the_tick_it_begins() {
        let mut held = Held::default();
        assert_eq!(held.tick(false), None);
        assert_eq!(held.tick(true), Some(0));
        assert_eq!(held.tick(true), Some(1));
        assert!(held.reached(1));
        assert!(!held.reached(2));
        assert_eq!(held.tick(false), None);
        assert!(!held.reached(0));
    }
}

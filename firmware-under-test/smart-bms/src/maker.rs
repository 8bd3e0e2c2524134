//! The maker's test channel: values are staged, and a commit makes them valid
//! together; until then the unit works with the page it has.
//!
//! A loss of power, or a brown-out, forgets what is staged and leaves a commit
//! where it was; the store sees to it that this is the old page or the new one.

use crate::key::Key;
use crate::page::{Page, PageError, Serial};
use crate::store::{Slots, Write};

/// Bytes that the memory takes in a tick.
const BYTES_PER_TICK: usize = 4;

/// How the memory stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MakerState {
    /// Never written, or erased; nothing staged.
    Blank,
    /// Something was written, but no page counts; nothing staged.
    Damaged,
    /// A page that counts, nothing staged.
    Clean,
    /// Something is staged.
    Staged,
    /// The memory is being written.
    Writing,
}

/// The channel.
#[derive(Clone, Debug)]
pub struct Maker {
    slots: Slots,
    page: Option<Page>,
    staged: Option<Page>,
    write: Option<Write>,
}

impl Maker {
    pub(crate) fn new(slots: Slots) -> Self {
        Self { slots, page: slots.page(), staged: None, write: None }
    }

    /// After a loss of supply.
    pub(crate) fn restart(&mut self) {
        *self = Self::new(self.slots);
    }

    /// One millisecond of writing.
    pub(crate) fn tick(&mut self) {
        let Some(write) = &mut self.write else { return };
        for _ in 0..BYTES_PER_TICK {
            if !write.step(&mut self.slots) {
                self.restart();
                return;
            }
        }
    }

    /// The memory; it outlives power, so hand it to the next power-up.
    #[must_use]
    pub fn memory(&self) -> &Slots {
        &self.slots
    }

    /// The page the unit works with; `None` is E-B30.
    #[must_use]
    pub fn page(&self) -> Option<&Page> {
        self.page.as_ref()
    }

    /// How the memory stands.
    #[must_use]
    pub fn state(&self) -> MakerState {
        match (&self.write, &self.staged, &self.page) {
            (Some(_), ..) => MakerState::Writing,
            (None, Some(_), _) => MakerState::Staged,
            (None, None, Some(_)) => MakerState::Clean,
            (None, None, None) if self.slots.is_blank() => MakerState::Blank,
            (None, None, None) => MakerState::Damaged,
        }
    }

    /// Stages a constant of the calibration.
    ///
    /// # Errors
    /// An unknown name, or a value out of range; nothing is staged then.
    pub fn stage(&mut self, name: &str, value: f64) -> Result<(), PageError> {
        let mut page = self.draft();
        page.set(name, value)?;
        self.staged = Some(page);
        Ok(())
    }

    /// Stages the serial number.
    pub fn stage_serial(&mut self, serial: Serial) {
        self.staged = Some(Page { serial, ..self.draft() });
    }

    /// Stages the hardware revision.
    pub fn stage_hardware_revision(&mut self, hardware_revision: u8) {
        self.staged = Some(Page { hardware_revision, ..self.draft() });
    }

    /// Stages the key.
    pub fn stage_key(&mut self, key: Key) {
        self.staged = Some(Page { key, ..self.draft() });
    }

    fn draft(&self) -> Page {
        self.staged.or(self.page).unwrap_or_default()
    }

    /// Writes what is staged; nothing staged, nothing to do. The unit takes the
    /// new page once it is complete.
    pub fn commit(&mut self) {
        if let (None, Some(page)) = (&self.write, &self.staged) {
            self.write = Some(Write::page(&self.slots, page));
        }
    }

    /// Forgets what is staged.
    pub fn discard(&mut self) {
        self.staged = None;
    }

    /// Erases the page: the unit is as from the line, and says so.
    pub fn erase(&mut self) {
        self.staged = None;
        self.write = Some(Write::erase(&self.slots));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(maker: &mut Maker) -> u32 {
        let mut ms = 0;
        while maker.state() == MakerState::Writing {
            maker.tick();
            ms += 1;
            assert!(ms < 1000);
        }
        ms
    }

    #[test]
    fn staged_values_count_only_together_and_once_written() {
        let mut maker = Maker::new(Slots::default());
        assert_eq!(maker.state(), MakerState::Clean);
        assert_eq!(maker.stage("battery-gain", 1.01), Ok(()));
        assert_eq!(maker.stage("battery-offset", -0.02), Ok(()));
        maker.stage_serial(Serial::new("HQ1").unwrap_or_default());
        maker.stage_hardware_revision(3);
        assert!(maker.stage("battery-gain", 2.0).is_err());
        assert_eq!(maker.state(), MakerState::Staged);
        assert_eq!(maker.page(), Some(&Page::default()));
        maker.commit();
        maker.tick();
        assert_eq!(maker.page(), Some(&Page::default()), "not before it is complete");
        let ms = run(&mut maker);
        assert!(ms < 60, "{ms}");
        let page = maker.page().copied().unwrap_or_default();
        assert_eq!((page.get("battery-gain"), page.get("battery-offset")), (Some(1.01), Some(-0.02)));
        assert_eq!((page.serial.text(), page.hardware_revision), ("HQ1", 3));
        assert_eq!(maker.state(), MakerState::Clean);
    }

    #[test]
    fn a_loss_of_power_at_any_millisecond_leaves_one_page_or_the_other() {
        let old = Page::default();
        for cut in 0..100 {
            let mut maker = Maker::new(Slots::default());
            assert_eq!(maker.stage("system-gain", 0.98), Ok(()));
            maker.stage_hardware_revision(9);
            maker.commit();
            for _ in 0..cut {
                maker.tick();
            }
            let after = Maker::new(*maker.memory());
            let found = after.page().copied();
            let new = Some(Page { hardware_revision: 9, ..old }).and_then(|mut p| p.set("system-gain", 0.98).ok().map(|()| p));
            assert!(found == Some(old) || found == new, "cut after {cut} ms: {found:?}");
            assert_eq!(after.state(), MakerState::Clean);
        }
    }

    #[test]
    fn erased_is_blank_and_discarded_is_clean() {
        let mut maker = Maker::new(Slots::default());
        assert_eq!(maker.stage("battery-gain", 1.01), Ok(()));
        maker.discard();
        assert_eq!(maker.state(), MakerState::Clean);
        maker.commit();
        assert_eq!(maker.state(), MakerState::Clean, "nothing staged, nothing written");
        maker.erase();
        run(&mut maker);
        assert_eq!((maker.state(), maker.page()), (MakerState::Blank, None));
        // The first page, cut short, is none; and it is known that there was one.
        maker.stage_hardware_revision(1);
        maker.commit();
        maker.tick();
        maker.tick();
        let mut maker = Maker::new(*maker.memory());
        assert_eq!((maker.state(), maker.page()), (MakerState::Damaged, None));
        maker.stage_hardware_revision(1);
        maker.commit();
        run(&mut maker);
        assert_eq!(maker.state(), MakerState::Clean);
    }
}

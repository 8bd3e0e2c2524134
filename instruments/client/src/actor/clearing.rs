//! Brings question and answer of a link together again: by a device clear where the
//! link has one, otherwise by reading until the line is quiet; then it asks for the
//! identity until it comes alone, and empties the error queue. A link that can be
//! opened anew is, where the question without a reply was one of these two, or nothing
//! else helps. If all that fails the link is lost, and stays so.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use hil_timebase::Nanos;
use tokio::io::AsyncReadExt;

use super::{Actor, REPLY_AT_LEAST, Wiring, millis};
use crate::error::ErrorKind;
use crate::link::Lane;

/// Attempts to clear a link before it is given up …
const CLEARINGS: usize = 3;
/// … and the time for all of them: whoever waits shall hear within a second.
const CLEARED_WITHIN: Duration = Duration::from_millis(900);
/// The same in real time, where bench time runs faster.
const CLEARED_AT_LEAST: Duration = Duration::from_millis(900);
/// To open a link anew.
const REOPEN_WITHIN: Duration = Duration::from_secs(2);
/// A line that has not been quiet for so many times the quiet time babbles.
const BABBLE: u32 = 100;

impl Actor {
    /// Brings question and answer together again. In the normal lane it gives
    /// way to a safe job, which clears for itself once it has told.
    pub(super) async fn clear(&mut self, lane: Lane) -> Result<(), ErrorKind> {
        self.wiring.note("clearing the link");
        let settings = Rc::clone(&self.wiring.settings);
        let clock = self.wiring.clock.clone();
        let end = clock.now() + clock.patience(CLEARED_WITHIN, CLEARED_AT_LEAST);
        let mut anew = std::mem::take(&mut self.ambiguous) && self.reopen().await?;
        let mut tried = 0;
        while tried < CLEARINGS && clock.now() < end {
            tried += 1;
            if self.clear_once(lane, end).await? {
                return Ok(());
            }
        }
        // An instrument whose replies come one question late is never in order on
        // an old link.
        if !anew && clock.now() < end && !self.safe_waits() {
            anew = self.reopen().await?;
            if anew && self.clear_once(lane, end).await? {
                return Ok(());
            }
        }
        // A safe job shortened the last attempt: it shall have its own.
        if lane == Lane::Normal && self.safe_waits() {
            return Err(ErrorKind::Overtaken { command: settings.identify.clone() });
        }
        let opened = if anew { ", also opened anew" } else { "" };
        Err(self.lose(format!("no order after {tried} attempts to clear it{opened}")))
    }

    /// One attempt; returns whether question and answer are together again.
    async fn clear_once(&mut self, lane: Lane, end: Nanos) -> Result<bool, ErrorKind> {
        let settings = Rc::clone(&self.wiring.settings);
        if !self.device_clear().await? {
            self.drain().await?;
        }
        if lane == Lane::Normal && self.safe_waits() {
            return Err(ErrorKind::Overtaken { command: settings.identify.clone() });
        }
        let left = end.since(self.wiring.clock.now());
        let own = match self.exchange(lane, &settings.identify, settings.reply_within.min(left)).await {
            // The first one it tells is known by now.
            Ok((_, reply)) => self.identity.as_ref() == Some(&reply),
            Err(lost @ ErrorKind::LinkLost { .. }) => return Err(lost),
            Err(_) => false,
        };
        if !own || self.drain().await? > 0 {
            return Ok(false);
        }
        // A second question of another kind: a late identity might have been
        // taken for this one's. It also drops old errors.
        match self.read_errors(lane).await {
            Ok(errors) => {
                self.wiring.health.dropped(&errors);
                self.in_step = true;
                self.ambiguous = false;
                Ok(true)
            }
            Err(lost @ ErrorKind::LinkLost { .. }) => Err(lost),
            Err(_) => Ok(false),
        }
    }

    /// Opens the link anew, where that can be; returns whether it can.
    async fn reopen(&mut self) -> Result<bool, ErrorKind> {
        let Wiring { clock, settings, .. } = &self.wiring;
        if !settings.may_reopen {
            return Ok(false);
        }
        let within = clock.patience(REOPEN_WITHIN, REOPEN_WITHIN);
        match clock.timeout(within, self.stream.reopen()).await {
            Ok(Ok(())) => {
                self.wiring.note("opened anew");
                self.discard();
                Ok(true)
            }
            Ok(Err(e)) if e.kind() == io::ErrorKind::Unsupported => Ok(false),
            Ok(Err(e)) => Err(self.close(format!("cannot be opened again: {e}"))),
            Err(_) => Err(self.close(format!("cannot be opened again within {} ms", millis(within)))),
        }
    }

    /// Clears the instrument's side and the link's, where the link can; returns
    /// whether it can.
    async fn device_clear(&mut self) -> Result<bool, ErrorKind> {
        self.discard();
        let Wiring { clock, settings, .. } = &self.wiring;
        let within = clock.patience(settings.reply_within, REPLY_AT_LEAST);
        match clock.timeout(within, self.stream.device_clear()).await {
            Ok(Ok(())) => {
                self.wiring.note("device clear");
                Ok(true)
            }
            Ok(Err(e)) if e.kind() == io::ErrorKind::Unsupported => Ok(false),
            Ok(Err(e)) => Err(self.close(e.to_string())),
            Err(_) => Err(self.close(format!("no answer to a device clear within {} ms", millis(within)))),
        }
    }

    /// Reads and drops until the line is quiet; returns how many bytes.
    async fn drain(&mut self) -> Result<usize, ErrorKind> {
        let (clock, quiet) = (self.wiring.clock.clone(), self.wiring.quiet());
        let end = clock.now() + quiet * BABBLE;
        let mut dropped = self.inbox.bytes.len();
        self.discard();
        while clock.now() < end {
            let Ok(read) = clock.timeout(quiet, self.stream.read_buf(&mut self.inbox.bytes)).await else { return Ok(dropped) };
            self.heard(read)?;
            dropped += self.inbox.bytes.len();
            self.discard();
        }
        Err(self.lose("the instrument does not stop sending".into()))
    }
}

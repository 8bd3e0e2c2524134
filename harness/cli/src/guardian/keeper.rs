//! The run's end: starts the guardian, lets it hear that the run goes on, and
//! lets it go. A guardian that is gone ends the run.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use hil_engine::{Control, PHASE_LIMIT};
use hil_model::Plan;
use hil_record::{Event, EventKind, EventSink, SinkError};
use hil_timebase::{Clock, Nanos};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::sync::mpsc::UnboundedSender;

use super::ports::Ports;
use super::words::{Brief, Post, Reply, Word};
use super::{BEAT, SILENCE};
use crate::failure::Failure;

/// To read the bench file and say so.
const READY_WITHIN: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// To switch a bench off that the run could not; it gives up before that.
const DONE_WITHIN: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// To end, once it has been let go.
const ENDED_WITHIN: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// What the engine may need beyond the longest step's or phase's time before its
/// next event: the safe state, above all.
const GRACE: Duration = Duration::from_secs(120);

/// A guardian that watches.
pub struct Keeper {
    child: Child,
    post: Rc<Post>,
}

impl Keeper {
    /// Starts it; it shares `lock` and `ports`, and returns once it watches.
    ///
    /// # Errors
    /// A guardian that cannot be started, or cannot read the bench.
    pub fn start(brief: Brief, lock: BorrowedFd<'_>, ports: &Ports) -> Result<Self, Failure> {
        let cannot =
            |e: &dyn std::fmt::Display| Failure::tester(format!("no guardian for the bench: {e}"), Some("nothing was switched on"));
        let start = || -> io::Result<Self> {
            let (post, theirs) = Post::pair()?;
            // A group of its own: a Ctrl-C on the terminal is not for it.
            let child = Command::new(std::env::current_exe()?)
                .arg("guardian")
                .stdin(Stdio::from(theirs))
                .stdout(Stdio::null())
                .process_group(0)
                .spawn()?;
            let (ports, descriptors) = ports.given_away();
            let with: Vec<_> = [lock].into_iter().chain(descriptors.iter().map(AsFd::as_fd)).collect();
            post.send(&Word::Brief(Box::new(Brief { ports, ..brief })), &with)?;
            Ok(Self { child, post: Rc::new(post) })
        };
        let keeper = start().map_err(|e| cannot(&e))?;
        match keeper.hear(READY_WITHIN) {
            Ok(Reply::Ready) => Ok(keeper),
            Ok(Reply::Unable { why }) => Err(cannot(&why)),
            Ok(other) => Err(cannot(&format!("it said {other:?}, expected that it is ready"))),
            Err(error) => Err(cannot(&error)),
        }
    }

    /// Its process, for those who want it dead.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What beats as long as the run goes on: a sink that hears its progress, and
    /// a task for the runtime. A guardian that does not answer is a fault of the
    /// tester, told to `control`.
    pub fn heart(&self, plan: &Plan, clock: &Clock, control: UnboundedSender<Control>) -> (Progress, Heart) {
        let longest = plan.steps.iter().map(|s| s.timeout).fold(PHASE_LIMIT, Duration::max);
        self.heart_without_plan(longest, clock, control)
    }

    /// As [`Self::heart`], for work that makes progress within `longest`.
    pub fn heart_without_plan(&self, longest: Duration, clock: &Clock, control: UnboundedSender<Control>) -> (Progress, Heart) {
        let until = Rc::new(Cell::new(clock.now() + longest + GRACE));
        let progress = Progress { until: Rc::clone(&until), clock: clock.clone(), lease: longest + GRACE };
        (progress, Heart { post: Rc::clone(&self.post), until, clock: clock.clone(), control })
    }

    /// The bench is off, confirmed.
    pub fn release(mut self) {
        // One that is gone needs no word.
        let _ = self.post.send(&Word::Released, &[]);
        self.dismiss();
    }

    /// Until it has ended, which one that stands still does not by itself.
    fn dismiss(&mut self) {
        let ending = pidfd_open(Pid::from_child(&self.child), PidfdFlags::empty());
        let ended = ending.and_then(|pidfd| poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&ENDED_WITHIN)));
        if ended.is_ok_and(|n| n == 0) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }

    /// The run could not confirm that the bench is off, and has closed its links.
    /// Whether the guardian could, which has noted what came of it.
    ///
    /// # Errors
    /// A guardian that did nothing, or did not say what.
    pub fn hand_over(mut self, why: &str) -> io::Result<bool> {
        let told = self.post.send(&Word::Yours { why: why.to_owned() }, &[]);
        let done = told.and_then(|()| self.hear(DONE_WITHIN));
        self.dismiss();
        match done? {
            Reply::Done { confirmed } => Ok(confirmed),
            other => Err(io::Error::other(format!("it said {other:?}"))),
        }
    }

    /// The next word that says something.
    fn hear(&self, within: Timespec) -> io::Result<Reply> {
        loop {
            match self.post.receive()? {
                Some((Reply::Heard, _)) => {}
                Some((reply, _)) => return Ok(reply),
                None => {
                    if poll(&mut [PollFd::new(&*self.post, PollFlags::IN)], Some(&within))? == 0 {
                        return Err(io::Error::new(ErrorKind::TimedOut, format!("no answer within {} s", within.tv_sec)));
                    }
                }
            }
        }
    }
}

/// Hears of every event: progress. What does not come within the longest step's
/// time-out and some grace is none any more.
pub struct Progress {
    until: Rc<Cell<Nanos>>,
    clock: Clock,
    lease: Duration,
}

impl Progress {
    /// Something got on.
    pub fn made(&self) {
        self.until.set(self.clock.now() + self.lease);
    }
}

impl EventSink for Progress {
    fn name(&self) -> &str {
        "guardian"
    }

    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        // Somebody polls also while nothing gets on.
        if matches!(event.kind, EventKind::Wire { .. }) {
            return Ok(());
        }
        self.made();
        Ok(())
    }
}

/// Beats in the run's own runtime: a thread that hangs, stands still or turns in
/// circles does not get to it.
pub struct Heart {
    post: Rc<Post>,
    until: Rc<Cell<Nanos>>,
    clock: Clock,
    control: UnboundedSender<Control>,
}

impl Heart {
    /// Beats until the guardian does not answer.
    pub async fn beat(self) {
        let mut unheard = Duration::ZERO;
        loop {
            if self.clock.now() < self.until.get()
                && let Err(error) = self.post.send(&Word::Beat, &[])
            {
                return self.lost(&error);
            }
            self.clock.sleep(self.clock.real(BEAT)).await;
            match self.answered() {
                Ok(true) => unheard = Duration::ZERO,
                // Only what this task was awake for counts.
                Ok(false) => unheard += BEAT,
                Err(error) => return self.lost(&error),
            }
            if unheard > SILENCE {
                return self.lost(&format!("no answer for {} s", SILENCE.as_secs()));
            }
        }
    }

    fn answered(&self) -> io::Result<bool> {
        let mut answered = false;
        while self.post.receive::<Reply>()?.is_some() {
            answered = true;
        }
        Ok(answered)
    }

    fn lost(&self, cause: &dyn std::fmt::Display) {
        // A closed channel means that the run is over.
        let _ = self.control.send(Control::Fault { what: format!("the bench's guardian is gone: {cause}") });
    }
}

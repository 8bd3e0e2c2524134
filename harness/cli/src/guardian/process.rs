//! The guardian's process: listens, and acts once.

#![expect(clippy::disallowed_methods, reason = "a guardian lives in real time, whatever the bench's clock does")]

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use hil_channel::{Bench as _, SafeReport};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::SILENCE;
use super::fence::Fence;
use super::ports::Ports;
use super::side_journal::{Deed, Entry, Output, SideJournal};
use super::words::{Brief, Post, Reply, Word};
use crate::assemble;
use crate::bench_lock::BenchLock;
use crate::failure::Failure;
use crate::load::{LoadedBench, digest, load_bench_near};

/// Between two looks at the time. A guardian that was itself held up counts no
/// more silence than this for it: what was said meanwhile lies there to be heard.
const TICK: Duration = Duration::from_millis(50);

/// For a killed run to end.
const FENCED_WITHIN: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// How long attempts at the safe state are made, and how long between two: an
/// instrument that serves one client may not have seen yet that the last is gone.
const ATTEMPTS_WITHIN: Duration = Duration::from_secs(10);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);

/// Watches a run until it lets go, or takes over. Its exit code is for nobody.
///
/// # Errors
/// A run that said nothing that makes sense.
pub fn guard() -> Result<u8, Failure> {
    let unable = |e: &dyn std::fmt::Display| Failure::tester(format!("guardian: {e}"), Some("`hil run` starts it, nobody else can"));
    // Whoever ends the run's terminal or session must not end this as well.
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        signal_hook::flag::register(signal, std::sync::Arc::default()).map_err(|e| unable(&e))?;
    }
    let post = Post::of(io::stdin().as_fd().try_clone_to_owned().map_err(|e| unable(&e))?);
    let fence = Fence::round_the_parent().map_err(|e| unable(&e))?;
    let (brief, lock, ports) = briefed(&post, &fence).map_err(|e| unable(&e))?;
    let bench = match load_bench_near(&brief.plan, &brief.bench.to_string_lossy()) {
        Ok(bench) if digest(&bench.text) == brief.bench_digest => bench,
        other => {
            let why = other.map_or_else(|failure| failure.text, |_| "the bench file has changed since the run read it".to_owned());
            // The run ends without us, and says why.
            let _ = post.send(&Reply::Unable { why: why.clone() }, &[]);
            return Err(unable(&why));
        }
    };
    let lock = BenchLock::inherited(lock.into(), &brief.locks, &bench.bench.id, brief.holder.clone());
    post.send(&Reply::Ready, &[]).map_err(|e| unable(&e))?;
    let Some(trouble) = watch(&post, &fence) else { return Ok(0) };
    let takeover = Takeover::begin(&brief, &bench, ports, trouble);
    let confirmed = takeover.carry_out(&fence, lock);
    // A run that has been fenced does not hear it; another need not wait for the disk.
    let _ = post.send(&Reply::Done { confirmed }, &[]);
    drop(takeover);
    Ok(if confirmed { 0 } else { 6 })
}

fn briefed(post: &Post, fence: &Fence) -> io::Result<(Box<Brief>, OwnedFd, Ports)> {
    loop {
        match post.receive()? {
            Some((Word::Brief(brief), mut with)) if with.len() == 1 + brief.ports.len() => {
                let lock = with.remove(0);
                let ports = Ports::received(&brief.ports, with);
                return Ok((brief, lock, ports));
            }
            Some((other, _)) => return Err(io::Error::other(format!("{other:?}, expected a brief with the bench's lock and ports"))),
            None => wait(post, fence)?,
        }
    }
}

/// Why a guardian acts.
struct Trouble {
    why: String,
    /// The run lives on, and has closed its links.
    handed_over: bool,
}

/// Until something must be done; `None` when nothing must.
fn watch(post: &Post, fence: &Fence) -> Option<Trouble> {
    let taken = |why: &str| Some(Trouble { why: why.to_owned(), handed_over: false });
    let mut silent = Duration::ZERO;
    loop {
        // What was said before it died counts.
        match post.receive::<Word>() {
            Ok(Some((Word::Beat, _))) => {
                silent = Duration::ZERO;
                // A run that does not read is about to be missed anyway.
                let _ = post.send(&Reply::Heard, &[]);
            }
            Ok(Some((Word::Released, _))) => return None,
            Ok(Some((Word::Yours { why }, _))) => return Some(Trouble { why, handed_over: true }),
            Ok(Some((Word::Brief(_), _))) => return taken("the run makes no sense any more"),
            Ok(None) if silent >= SILENCE => return taken(&format!("the run gave no sign of life for {} s", SILENCE.as_secs())),
            Ok(None) => match wait(post, fence) {
                Ok(()) => {}
                Err(_) => silent += TICK,
            },
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return taken("the run has ended without its safe state"),
            Err(e) => return taken(&format!("the run cannot be heard: {e}")),
        }
    }
}

/// Until there is something to hear; an error after a tick.
fn wait(post: &Post, fence: &Fence) -> io::Result<()> {
    let tick = Timespec { tv_sec: 0, tv_nsec: TICK.subsec_nanos().into() };
    let mut ears = [PollFd::new(post, PollFlags::IN), PollFd::new(fence, PollFlags::IN)];
    if poll(&mut ears, Some(&tick))? == 0 { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
}

struct Takeover<'a> {
    bench: &'a LoadedBench,
    ports: Rc<Ports>,
    journal: SideJournal,
    begun: Instant,
    trouble: Trouble,
}

impl<'a> Takeover<'a> {
    fn begin(brief: &Brief, bench: &'a LoadedBench, ports: Ports, trouble: Trouble) -> Self {
        let begun = Instant::now();
        Self { bench, ports: Rc::new(ports), journal: SideJournal::open(&brief.run_folder), begun, trouble }
    }

    /// Whether everything is off, by readback.
    fn carry_out(&self, fence: &Fence, lock: BenchLock) -> bool {
        if !self.trouble.handed_over {
            fence.strike();
        }
        // At once: one that hangs in the kernel may take its time to end.
        let inhibited = self.inhibit();
        let ended = self.trouble.handed_over || fence.has_ended(FENCED_WITHIN);
        self.note(Deed::TookOver { why: self.trouble.why.clone() });
        self.note(Deed::Fenced { ended });
        self.note(Deed::Inhibited { done: inhibited.is_ok(), problem: inhibited.err() });
        let confirmed = self.safe_state();
        let took = self.begun.elapsed().as_millis();
        let safe = if confirmed { Ok(()) } else { Err("its guardian could not confirm the safe state") };
        if let Err(failure) = lock.end(safe) {
            crate::screen::complain(&failure.text);
        }
        let why = &self.trouble.why;
        crate::screen::complain(&if confirmed {
            format!("guardian: {why}; all outputs off, confirmed by readback in {took} ms\n")
        } else {
            format!("guardian: {why}; outputs NOT confirmed off\nhint: switch the bench off by hand\n")
        });
        confirmed
    }

    fn inhibit(&self) -> Result<(), String> {
        let socket = self.bench.bench.fixture_socket.as_deref().ok_or("the bench has no fixture with an inhibit")?;
        hil_socket::inhibit(Path::new(socket)).map_err(|e| e.to_string())
    }

    /// By ports it was handed and links of its own, until it is confirmed.
    fn safe_state(&self) -> bool {
        loop {
            let (outputs, confirmed, problem) = match self.attempt() {
                Ok(report) => (outputs(&report), report.confirmed(), None),
                Err(problem) => (Vec::new(), false, Some(problem)),
            };
            self.note(Deed::SafeState { outputs, confirmed, problem });
            if confirmed || self.begun.elapsed() > ATTEMPTS_WITHIN {
                return confirmed;
            }
            sleep(BETWEEN_ATTEMPTS);
        }
    }

    fn attempt(&self) -> Result<SafeReport, String> {
        let (runtime, bound) = assemble::to_switch_off(self.bench, &self.ports, crate::wire::trace()).map_err(|failure| failure.text)?;
        runtime.block_on(bound.safe_state()).map_err(|halt| halt.to_string())
    }

    fn note(&self, deed: Deed) {
        let wall = jiff::Timestamp::now().to_string();
        self.journal.note(Entry { wall, after_us: u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX), deed });
    }
}

fn outputs(report: &SafeReport) -> Vec<Output> {
    report.parts.iter().map(|p| Output { part: p.name.clone(), off: p.off, readback: p.readback.clone() }).collect()
}

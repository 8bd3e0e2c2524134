//! Makes sure that the run commands the bench no more: it is killed, and its end
//! waited for, before anybody else does.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, getppid, pidfd_open, pidfd_send_signal};

/// A run as the kernel knows it: its number is nobody else's, whatever becomes
/// of it.
pub(super) struct Fence(OwnedFd);

impl Fence {
    /// Round whoever started this process.
    pub(super) fn round_the_parent() -> io::Result<Self> {
        let parent = getppid().ok_or(io::ErrorKind::NotFound)?;
        let fence = Self(pidfd_open(parent, PidfdFlags::empty())?);
        // One that had ended in between would have left its number to another,
        // and us to somebody else.
        if getppid() == Some(parent) { Ok(fence) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    #[cfg(test)]
    fn round(process: &std::process::Child) -> io::Result<Self> {
        Ok(Self(pidfd_open(Pid::from_child(process), PidfdFlags::empty())?))
    }

    /// Kills it.
    pub(super) fn strike(&self) {
        // One that has ended needs no signal.
        let _ = pidfd_send_signal(&self.0, Signal::KILL);
    }

    /// Whether it has ended within `limit`.
    pub(super) fn has_ended(&self, limit: Timespec) -> bool {
        poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&limit)).is_ok_and(|n| n > 0)
    }
}

impl AsFd for Fence {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether a process of that number lives; one of somebody else's may be a
/// later one.
pub fn lives(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH)))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn who_is_fenced_has_ended() {
        let mut child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let fence = Fence::round(&child).unwrap();
        assert!(lives(child.id()));
        assert!(!fence.has_ended(Timespec { tv_sec: 0, tv_nsec: 0 }));
        fence.strike();
        assert!(fence.has_ended(Timespec { tv_sec: 5, tv_nsec: 0 }));
        assert!(fence.has_ended(Timespec { tv_sec: 0, tv_nsec: 0 }), "it stays so");
        assert!(!child.wait().unwrap().success());
        assert!(!lives(child.id()));
    }
}

//! What a run and its guardian say to each other: one packet a word, on a pair
//! of sockets that nobody else has.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags,
    SocketType, recvmsg, sendmsg, socketpair,
};
use serde::{Deserialize, Serialize};

use crate::bench_lock::Holder;

/// Longest word.
const MOST: usize = 64 * 1024;

/// Most descriptors that come with a word: the lock's, and ports'.
pub(super) const DESCRIPTORS: usize = 64;

/// All that a guardian must know before anything is on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Brief {
    /// The plan's file: round it lies the project.
    pub plan: PathBuf,
    /// The bench's file.
    pub bench: PathBuf,
    /// SHA-256 of the bench file: both speak of the same.
    pub bench_digest: String,
    /// Whose run.
    pub holder: Holder,
    /// Where locks of benches lie.
    pub locks: PathBuf,
    /// Where the run's journal is.
    pub run_folder: PathBuf,
    /// Instruments whose ports are handed over, in the order of the descriptors.
    pub ports: Vec<String>,
}

/// A run to its guardian.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Word {
    /// First of all; with the descriptors of the bench's lock and of the ports.
    Brief(Box<Brief>),
    /// The run goes on.
    Beat,
    /// The bench is off, confirmed: the guardian may end.
    Released,
    /// The run could not confirm it, and has closed its links.
    Yours {
        /// What was not confirmed.
        why: String,
    },
}

/// A guardian to its run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reply {
    /// It has read the bench file, and watches.
    Ready,
    /// It cannot watch.
    Unable {
        /// Why.
        why: String,
    },
    /// It lives.
    Heard,
    /// It has done what it could.
    Done {
        /// Off, by readback.
        confirmed: bool,
    },
}

/// One end.
#[derive(Debug)]
pub(super) struct Post(OwnedFd);

impl Post {
    /// Ours, and the one that becomes the guardian's standard input.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(ours), theirs))
    }

    pub(super) const fn of(end: OwnedFd) -> Self {
        Self(end)
    }

    /// Says a word without waiting; one that finds no place is an error.
    pub(super) fn send(&self, word: &impl Serialize, with: &[BorrowedFd<'_>]) -> io::Result<()> {
        let bytes = serde_json::to_vec(word)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !with.is_empty() && !control.push(SendAncillaryMessage::ScmRights(with)) {
            return Err(io::Error::new(ErrorKind::InvalidInput, "too many descriptors"));
        }
        sendmsg(&self.0, &[IoSlice::new(&bytes)], &mut control, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// The next word and what came with it, without waiting; `None` if there is
    /// none yet. The other's end is an error, too.
    pub(super) fn receive<T: for<'d> Deserialize<'d>>(&self) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
        let mut bytes = vec![0; MOST];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let received = match recvmsg(&self.0, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags) {
            Ok(received) => received,
            Err(Errno::AGAIN) => return Ok(None),
            // It has gone with words of ours unread.
            Err(Errno::CONNRESET) => return Err(ErrorKind::UnexpectedEof.into()),
            Err(e) => return Err(e.into()),
        };
        if received.bytes == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let mut with = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                with.extend(descriptors);
            }
        }
        Ok(Some((serde_json::from_slice(&bytes[..received.bytes])?, with)))
    }
}

impl AsFd for Post {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_whole_and_with_their_descriptor() {
        let (ours, theirs) = Post::pair().unwrap();
        let theirs = Post::of(theirs);
        assert!(theirs.receive::<Word>().unwrap().is_none());
        let file = std::fs::File::open("/dev/null").unwrap();
        ours.send(&Word::Beat, &[]).unwrap();
        ours.send(&Word::Yours { why: "x".into() }, &[file.as_fd()]).unwrap();
        assert!(matches!(theirs.receive::<Word>().unwrap(), Some((Word::Beat, with)) if with.is_empty()));
        assert!(matches!(theirs.receive::<Word>().unwrap(), Some((Word::Yours { why }, with)) if why == "x" && with.len() == 1));
        drop(ours);
        assert_eq!(theirs.receive::<Word>().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn who_is_not_heard_is_told() {
        let (ours, _theirs) = Post::pair().unwrap();
        let full = (0..100_000).find_map(|_| ours.send(&Word::Beat, &[]).err()).expect("a socket that is full");
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
    }
}

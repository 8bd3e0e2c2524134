//! Which client holds an instrument's locks: one of its own, or one that all
//! share who know its key (IVI-6.1 section 6.5; VXI-11 knows the first only).

use std::cell::RefCell;
use std::collections::BTreeSet;

use tokio::sync::Notify;

/// A client, by its number.
pub(crate) type Client = u32;

/// What a client was given, or gave back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Held {
    /// Its own lock.
    Exclusive,
    /// The shared one.
    Shared,
}

/// What comes of asking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Grant {
    /// It is held now.
    Given(Held),
    /// Others hold one that is in the way.
    Busy,
    /// The client has it already.
    Wrong,
}

#[derive(Default)]
pub(crate) struct Locks {
    holders: RefCell<Holders>,
    changed: Notify,
}

#[derive(Default)]
struct Holders {
    exclusive: Option<Client>,
    key: Vec<u8>,
    sharing: BTreeSet<Client>,
}

impl Locks {
    /// Asks for the shared lock of `key`; without a key, for one of its own.
    pub(crate) fn ask(&self, client: Client, key: &[u8]) -> Grant {
        let mut holders = self.holders.borrow_mut();
        let others = holders.exclusive.is_some_and(|holder| holder != client);
        let shares = holders.sharing.contains(&client);
        if key.is_empty() {
            match holders.exclusive {
                Some(holder) if holder == client => Grant::Wrong,
                Some(_) => Grant::Busy,
                None if !holders.sharing.is_empty() && !shares => Grant::Busy,
                None => {
                    holders.exclusive = Some(client);
                    Grant::Given(Held::Exclusive)
                }
            }
        } else if shares || holders.exclusive == Some(client) {
            Grant::Wrong
        } else if others || (!holders.sharing.is_empty() && holders.key != key) {
            Grant::Busy
        } else {
            holders.key = key.to_vec();
            holders.sharing.insert(client);
            Grant::Given(Held::Shared)
        }
    }

    /// Gives one back, its own first; `None` if the client has none.
    pub(crate) fn give_back(&self, client: Client) -> Option<Held> {
        let mut holders = self.holders.borrow_mut();
        let held = if holders.exclusive == Some(client) {
            holders.exclusive = None;
            Held::Exclusive
        } else if holders.sharing.remove(&client) {
            Held::Shared
        } else {
            return None;
        };
        self.changed.notify_waiters();
        Some(held)
    }

    /// The client has gone, and with it what it held.
    pub(crate) fn leave(&self, client: Client) {
        while self.give_back(client).is_some() {}
    }

    /// Whether the client's messages are carried out at present.
    pub(crate) fn admit(&self, client: Client) -> bool {
        let holders = self.holders.borrow();
        match holders.exclusive {
            Some(holder) => holder == client,
            None => holders.sharing.is_empty() || holders.sharing.contains(&client),
        }
    }

    /// Whether there is an exclusive one, and how many clients hold any.
    pub(crate) fn info(&self) -> (bool, u32) {
        let holders = self.holders.borrow();
        let own = holders.exclusive.filter(|holder| !holders.sharing.contains(holder));
        let count = holders.sharing.len() + usize::from(own.is_some());
        (holders.exclusive.is_some(), u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Ready when one was given back since the call.
    pub(crate) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.changed.notified()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exclusive_lock_keeps_all_others_out() {
        let locks = Locks::default();
        assert!(locks.admit(1) && locks.admit(2));
        assert_eq!(locks.ask(1, b""), Grant::Given(Held::Exclusive));
        assert_eq!(locks.ask(1, b""), Grant::Wrong);
        assert_eq!((locks.ask(2, b""), locks.ask(2, b"key")), (Grant::Busy, Grant::Busy));
        assert!(locks.admit(1) && !locks.admit(2));
        assert_eq!(locks.info(), (true, 1));
        assert_eq!(locks.give_back(2), None);
        locks.leave(1);
        assert_eq!((locks.info(), locks.admit(2)), ((false, 0), true));
    }

    #[test]
    fn a_key_is_shared_and_one_of_its_holders_may_have_more() {
        let locks = Locks::default();
        assert_eq!(locks.ask(1, b"key"), Grant::Given(Held::Shared));
        assert_eq!(locks.ask(2, b"key"), Grant::Given(Held::Shared));
        assert_eq!((locks.ask(3, b"other"), locks.ask(3, b""), locks.ask(1, b"key")), (Grant::Busy, Grant::Busy, Grant::Wrong));
        assert!(locks.admit(1) && locks.admit(2) && !locks.admit(3));
        assert_eq!(locks.ask(1, b""), Grant::Given(Held::Exclusive));
        assert!(locks.admit(1) && !locks.admit(2));
        assert_eq!(locks.info(), (true, 2));
        assert_eq!((locks.give_back(1), locks.give_back(1), locks.give_back(1)), (Some(Held::Exclusive), Some(Held::Shared), None));
        locks.leave(2);
        assert_eq!(locks.ask(3, b"other"), Grant::Given(Held::Shared));
    }
}

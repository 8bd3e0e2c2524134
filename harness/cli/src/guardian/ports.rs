//! Descriptors of the bench's serial ports, handed to the guardian before anything
//! is on. It needs no device file then, which may be gone by the time, and the
//! port is not hung up when the run dies: DTR stays, and an instrument that
//! would start anew without it does not.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;

use hil_bench::{BenchFile, InstrumentSpec};
use hil_client::Address;
use hil_client::adopted::{Adopted, adopt, spare};

use super::words::DESCRIPTORS;

/// By the instrument's name.
#[derive(Default, Debug)]
pub struct Ports(RefCell<BTreeMap<String, OwnedFd>>);

impl Ports {
    /// Of all serial instruments. What cannot be opened is missed by the run as
    /// soon as it wants it, which says so; what is too much for one word is opened
    /// anew.
    pub fn of(bench: &BenchFile) -> Self {
        Self(RefCell::new(bench.instruments.iter().filter_map(port).take(DESCRIPTORS - 1).collect()))
    }

    /// What came from another process, in the order of the names.
    pub fn received(names: &[String], descriptors: Vec<OwnedFd>) -> Self {
        Self(RefCell::new(names.iter().cloned().zip(descriptors).collect()))
    }

    /// The instruments' names, and their descriptors in the same order.
    pub fn given_away(&self) -> (Vec<String>, Vec<OwnedFd>) {
        self.0.take().into_iter().unzip()
    }

    /// The port of that instrument; `None` if it has none, or had it before: whatever
    /// came of that, the next attempt opens it anew, as the bench file says.
    pub fn adopt(&self, instrument: &str) -> Option<io::Result<Adopted>> {
        self.0.borrow_mut().remove(instrument).map(adopt)
    }
}

fn port(spec: &InstrumentSpec) -> Option<(String, OwnedFd)> {
    match spec.address.parse() {
        Ok(Address::Serial { device }) => Some((spec.name.clone(), spare(&device).ok()?)),
        _ => None,
    }
}

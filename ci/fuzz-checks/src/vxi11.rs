//! What comes to a VXI-11 port or a portmapper: records, calls and replies, and what
//! they carry.

use hil_client::channel::Frames as _;
use hil_client::vxi11::core::{
    CreateLink, DeviceLock, DeviceRead, DeviceWrite, Generic, LinkCreated, Mapping, ReadDone, StatusByte, Written,
};
use hil_client::vxi11::record::Records;
use hil_client::vxi11::rpc::{call, put_reply, reply};
use hil_client::vxi11::xdr::Xdr;

/// Longest record.
const LIMIT: usize = 4096;

/// In whatever pieces bytes come, the records are the same and none is too long; what is
/// read of one is written as what is read again.
pub fn check(bytes: &[u8]) {
    let whole = records(bytes, bytes.len().max(1));
    assert_eq!(whole, records(bytes, 1), "in pieces");
    for record in &whole {
        assert!(record.len() <= LIMIT, "{} bytes", record.len());
        message(record);
    }
    // A datagram has no length.
    message(bytes);
}

/// Until one is refused.
fn records(bytes: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let (mut records, mut all) = (Records::new(LIMIT), Vec::new());
    for piece in bytes.chunks(piece) {
        records.inbox().extend_from_slice(piece);
        loop {
            match records.next() {
                Ok(Some(record)) => all.push(record),
                Ok(None) => break,
                Err(_) => return all,
            }
        }
    }
    all
}

fn message(record: &[u8]) {
    if let Ok(called) = call(record) {
        carried(&called.arguments);
        let mut answer = Vec::new();
        put_reply(called.id, Ok(called.arguments.clone()), called.program.version, &mut answer);
        // Behind the record's length; what an answer carries is filled up to four bytes.
        let (id, results) = reply(&answer[4..]).expect("our own");
        assert_eq!(id, called.id);
        assert!(results.expect("a success").starts_with(&called.arguments), "{called:?}");
    }
    if let Ok((_, Ok(results))) = reply(record) {
        carried(&results);
    }
}

fn carried(bytes: &[u8]) {
    again::<u32>(bytes);
    again::<bool>(bytes);
    again::<Vec<u8>>(bytes);
    again::<Mapping>(bytes);
    again::<CreateLink>(bytes);
    again::<LinkCreated>(bytes);
    again::<DeviceWrite>(bytes);
    again::<Written>(bytes);
    again::<DeviceRead>(bytes);
    again::<ReadDone>(bytes);
    again::<Generic>(bytes);
    again::<StatusByte>(bytes);
    again::<DeviceLock>(bytes);
}

fn again<T: Xdr + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(value) = T::of(bytes) {
        assert_eq!(T::of(&value.bytes()), Ok(value));
    }
}

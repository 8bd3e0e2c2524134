//! Calls and their replies (RFC 5531), by the crate `onc-rpc`.

use onc_rpc::auth::AuthFlavor;
use onc_rpc::{AcceptedReply, AcceptedStatus, CallBody, MessageType, RejectedReply, ReplyBody, RpcMessage};

use crate::vxi11::record::LAST;
use crate::vxi11::xdr::{Short, Xdr};

/// A set of procedures, and its version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Program {
    /// Its number.
    pub number: u32,
    /// Its version.
    pub version: u32,
}

/// A call that came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The caller's number of it, for the reply.
    pub id: u32,
    /// Whose procedure.
    pub program: Program,
    /// Which one.
    pub procedure: u32,
    /// What for.
    pub arguments: Vec<u8>,
}

/// Why a call was not carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Denial {
    /// Nobody has it.
    #[error("the program is not available")]
    NoProgram,
    /// Only another version of it.
    #[error("the program has another version")]
    OtherVersion,
    /// It has no such procedure.
    #[error("the procedure is not available")]
    NoProcedure,
    /// Its arguments make no sense.
    #[error("the arguments make no sense")]
    BadArguments,
    /// Something else.
    #[error("the server could not")]
    Failed,
    /// The caller is not trusted, or of another age.
    #[error("the call was rejected")]
    Rejected,
}

/// Bytes that are no call or reply.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RpcError {
    /// Not understood.
    #[error("not understood: {0}")]
    Malformed(String),
    /// A call where a reply should be, or the other way round.
    #[error("{found} with number {id}, expected {expected}")]
    Unexpected {
        /// What came.
        found: &'static str,
        /// Its number.
        id: u32,
        /// What should have come.
        expected: String,
    },
    /// The server says so.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// Results that are none.
    #[error(transparent)]
    Short(#[from] Short),
}

/// Appends a call's record to `out`.
pub fn put_call(id: u32, program: Program, procedure: u32, arguments: &impl Xdr, out: &mut Vec<u8>) {
    let none = || AuthFlavor::AuthNone(None);
    let arguments = arguments.bytes();
    let body = CallBody::<&[u8], _>::new(program.number, program.version, procedure, none(), none(), &arguments[..]);
    put(id, MessageType::Call(body), out);
}

/// Appends a reply's record to `out`.
pub fn put_reply(id: u32, results: Result<Vec<u8>, Denial>, version: u32, out: &mut Vec<u8>) {
    let status = match &results {
        Ok(results) => AcceptedStatus::Success(&results[..]),
        Err(Denial::NoProgram) => AcceptedStatus::ProgramUnavailable,
        Err(Denial::OtherVersion) => AcceptedStatus::ProgramMismatch { low: version, high: version },
        Err(Denial::NoProcedure) => AcceptedStatus::ProcedureUnavailable,
        Err(Denial::BadArguments) => AcceptedStatus::GarbageArgs,
        Err(Denial::Failed | Denial::Rejected) => AcceptedStatus::SystemError,
    };
    let reply = AcceptedReply::<&[u8], _>::new(AuthFlavor::AuthNone(None), status);
    put(id, MessageType::Reply(ReplyBody::Accepted(reply)), out);
}

fn put(id: u32, body: MessageType<&[u8], &[u8]>, out: &mut Vec<u8>) {
    // Its only error is of a record of 2 GiB and more; a vector takes all.
    if let Err(error) = RpcMessage::new(id, body).serialise_into(&mut *out) {
        tracing::error!(%error, "an RPC message was not written");
    }
}

/// A record with the length that the crate wants before it.
fn with_length(record: &[u8]) -> Vec<u8> {
    let length = u32::try_from(record.len()).unwrap_or(u32::MAX) | LAST;
    [&length.to_be_bytes(), record].concat()
}

fn malformed(error: &onc_rpc::Error) -> RpcError {
    RpcError::Malformed(error.to_string())
}

/// The call of a record.
///
/// # Errors
/// It is none.
pub fn call(record: &[u8]) -> Result<Call, RpcError> {
    let bytes = with_length(record);
    let message = RpcMessage::try_from(&bytes[..]).map_err(|e| malformed(&e))?;
    let id = message.xid();
    let call = message.call_body().ok_or_else(|| RpcError::Unexpected { found: "a reply", id, expected: "a call".into() })?;
    let program = Program { number: call.program(), version: call.program_version() };
    Ok(Call { id, program, procedure: call.procedure(), arguments: call.payload().to_vec() })
}

/// The number of a record's reply, and its results.
///
/// # Errors
/// It is none.
pub fn reply(record: &[u8]) -> Result<(u32, Result<Vec<u8>, Denial>), RpcError> {
    let bytes = with_length(record);
    let message = RpcMessage::try_from(&bytes[..]).map_err(|e| malformed(&e))?;
    let id = message.xid();
    let results = match message.reply_body() {
        None => return Err(RpcError::Unexpected { found: "a call", id, expected: "a reply".into() }),
        Some(ReplyBody::Denied(RejectedReply::RpcVersionMismatch { .. } | RejectedReply::AuthError(_))) => Err(Denial::Rejected),
        Some(ReplyBody::Accepted(accepted)) => match accepted.status() {
            AcceptedStatus::Success(results) => Ok(results.to_vec()),
            AcceptedStatus::ProgramUnavailable => Err(Denial::NoProgram),
            AcceptedStatus::ProgramMismatch { .. } => Err(Denial::OtherVersion),
            AcceptedStatus::ProcedureUnavailable => Err(Denial::NoProcedure),
            AcceptedStatus::GarbageArgs => Err(Denial::BadArguments),
            AcceptedStatus::SystemError => Err(Denial::Failed),
        },
    };
    Ok((id, results))
}

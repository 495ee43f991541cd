//! Frames as they come, taken apart without reading strings that may be unreadable.

use std::io::{self, ErrorKind};

use amq_protocol::protocol::{AMQPClass, basic, constants, parse_class};

/// More than any broker agrees to: bytes that claim to be a larger frame are no frame.
pub(super) const FRAME_LIMIT: usize = 16 * 1024 * 1024;

/// The bytes of a frame beside its payload: type, channel and size before, an end mark behind.
pub(super) const FRAME_OVERHEAD: usize = 8;

/// Class and method of `basic.deliver`.
pub(super) const DELIVER: [u8; 4] = [0, 60, 0, 60];

/// A frame as it came.
#[derive(Debug)]
pub(super) struct RawFrame {
    pub(super) kind: u8,
    pub(super) payload: Vec<u8>,
}

impl RawFrame {
    /// The method in it, if it can be read.
    pub(super) fn method(&self) -> Option<AMQPClass> {
        match parse_class(self.payload.as_slice()) {
            Ok(([], method)) => Some(method),
            _ => None,
        }
    }
}

/// The first frame in `input`, and how long it is; none while it is not whole.
pub(super) fn split_frame(input: &[u8]) -> io::Result<Option<(RawFrame, usize)>> {
    // Type, channel, size; behind the payload an end mark.
    let [kind, _, _, s0, s1, s2, s3, rest @ ..] = input else {
        return Ok(None);
    };
    let size = u32::from_be_bytes([*s0, *s1, *s2, *s3]) as usize;
    if size > FRAME_LIMIT {
        return Err(unexpected());
    }
    let (Some(payload), Some(end)) = (rest.get(..size), rest.get(size)) else {
        return Ok(None);
    };
    if *end != constants::FRAME_END {
        return Err(unexpected());
    }
    let frame = RawFrame { kind: *kind, payload: payload.to_vec() };
    Ok(Some((frame, size + FRAME_OVERHEAD)))
}

/// The tag in a `basic.deliver`, which stands behind the consumer's tag.
pub(super) fn delivery_tag(payload: &[u8]) -> io::Result<u64> {
    let rest = &payload[DELIVER.len()..];
    rest.split_first()
        .and_then(|(length, rest)| rest.get(usize::from(*length)..))
        .and_then(|rest| rest.first_chunk())
        .map(|tag| u64::from_be_bytes(*tag))
        .ok_or_else(unexpected)
}

/// The size of the body in a content header, and whether lapin could read its properties.
pub(super) fn content_header(payload: &[u8]) -> io::Result<(u64, bool)> {
    let size = payload.get(4..).and_then(|rest| rest.first_chunk());
    let properties = payload.get(12..);
    let (Some(size), Some(properties)) = (size, properties) else {
        return Err(unexpected());
    };
    let readable = matches!(basic::parse_properties(properties), Ok(([], _)));
    Ok((u64::from_be_bytes(*size), readable))
}

pub(super) fn unexpected() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "unexpected frame")
}

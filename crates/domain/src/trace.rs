//! W3C trace context: read at the door, carried on with every event.

use minicbor::{Decode, Encode};
use std::fmt;

/// A valid `traceparent` of version 00.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct TraceParent {
    #[cbor(with = "minicbor::bytes")]
    #[n(0)]
    trace: [u8; 16],
    #[cbor(with = "minicbor::bytes")]
    #[n(1)]
    parent: [u8; 8],
    #[n(2)]
    flags: u8,
}

impl TraceParent {
    /// Parses a `traceparent` header; `None` when it is none (it is then ignored, as
    /// W3C Trace Context asks).
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let version = hex::<1>(parts.next()?)?;
        let trace = hex::<16>(parts.next()?)?;
        let parent = hex::<8>(parts.next()?)?;
        let flags = hex::<1>(parts.next()?)?;
        // a later version may have more parts, version 00 may not; ff is forbidden
        let tail = parts.next().is_some();
        let known = version[0] != 0xff && (version[0] != 0 || !tail);
        (known && trace != [0; 16] && parent != [0; 8]).then_some(Self {
            trace,
            parent,
            flags: flags[0],
        })
    }

    /// The same trace, with `span` as the parent of what follows.
    #[must_use]
    pub fn child(self, span: u64) -> Self {
        let parent = span.max(1).to_be_bytes();
        Self { parent, ..self }
    }
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = text.as_bytes();
    if bytes.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None, // upper case is not allowed
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("00-")?;
        for byte in self.trace {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("-")?;
        for byte in self.parent {
            write!(f, "{byte:02x}")?;
        }
        write!(f, "-{:02x}", self.flags)
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_good_one_comes_out_as_it_went_in() {
        assert_eq!(TraceParent::parse(GOOD).map(|t| t.to_string()).as_deref(), Some(GOOD));
    }

    #[test]
    fn a_child_keeps_the_trace_and_has_its_own_span() {
        let child = TraceParent::parse(GOOD).map(|t| t.child(7).to_string());
        assert_eq!(
            child.as_deref(),
            Some("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000007-01")
        );
    }

    #[test]
    fn what_is_none_is_ignored() {
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert!(TraceParent::parse(bad).is_none(), "{bad}");
        }
    }
}

//! W3C trace context: read from messages, and passed on with every event.

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

/// The flag that says that spans are wanted.
const SAMPLED: u8 = 1;

impl TraceParent {
    /// Parses a `traceparent` header. `None`: the text is not valid; W3C Trace Context requires to ignore
    /// it then.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let version = bytes::<1>(parts.next()?)?;
        let trace = bytes::<16>(parts.next()?)?;
        let parent = bytes::<8>(parts.next()?)?;
        let flags = bytes::<1>(parts.next()?)?;
        // a later version may have more parts, version 00 may not; ff is forbidden
        let tail = parts.next().is_some();
        let known = version[0] != 0xff && (version[0] != 0 || !tail);
        (known && trace != [0; 16] && parent != [0; 8]).then_some(Self {
            trace,
            parent,
            flags: flags[0],
        })
    }

    /// Begins a trace, which is sampled. The parent is no span yet: the first one is a [`child`](Self::child).
    pub fn begin(trace: [u8; 16]) -> Self {
        Self { trace, parent: [0; 8], flags: SAMPLED }
    }

    /// The id of the trace.
    pub const fn trace_id(self) -> [u8; 16] {
        self.trace
    }

    /// The id of the trace, as logs and answers show it: 32 hexadecimal digits.
    pub fn trace_id_text(self) -> String {
        hex::encode(self.trace)
    }

    /// The id of the span that is the parent.
    pub const fn parent_id(self) -> u64 {
        u64::from_be_bytes(self.parent)
    }

    /// Whether whoever began the trace wants its spans.
    pub const fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The same trace with this span as the parent; 0: none.
    #[must_use]
    pub fn with_parent(self, span: u64) -> Self {
        Self { parent: span.to_be_bytes(), ..self }
    }

    /// The same trace with `span` as the new parent.
    #[must_use]
    pub fn child(self, span: u64) -> Self {
        let parent = span.max(1).to_be_bytes();
        Self { parent, ..self }
    }
}

/// The bytes of a part: upper-case digits are not allowed.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut trace, mut parent) = ([0; 32], [0; 16]);
        hex::encode_to_slice(self.trace, &mut trace).map_err(|_| fmt::Error)?;
        hex::encode_to_slice(self.parent, &mut parent).map_err(|_| fmt::Error)?;
        let text = |digits| std::str::from_utf8(digits).map_err(|_| fmt::Error);
        write!(f, "00-{}-{}-{:02x}", text(&trace)?, text(&parent)?, self.flags)
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
    fn its_parts_are_those_of_the_text() {
        let trace = TraceParent::parse(GOOD).expect("a good one");
        assert_eq!(trace.trace_id_text(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace.trace_id()[..2], [0x4b, 0xf9]);
        assert_eq!((trace.parent_id(), trace.is_sampled()), (0x00f0_67aa_0ba9_02b7, true));
        let other = TraceParent::parse(&GOOD.replace("-01", "-02")).expect("a good one");
        assert!(!other.is_sampled(), "another flag");
        let begun = TraceParent::begin([7; 16]).child(9);
        assert_eq!(TraceParent::parse(&begun.to_string()), Some(begun));
        assert_eq!((begun.parent_id(), begun.is_sampled()), (9, true));
        assert_eq!(begun.with_parent(0).parent_id(), 0);
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

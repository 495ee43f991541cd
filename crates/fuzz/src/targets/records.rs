//! Each kind of record of the store; frames of the broker.

use super::{Form, Target};
use crate::corpus;
use orderly_broker::rabbit::read_frames;
use orderly_store::damaged;

pub(super) fn targets() -> Vec<Target> {
    let mut targets = Vec::new();
    for kind in damaged::KINDS {
        let mut samples = corpus::golden_of_store(kind);
        if kind == "format stamp" {
            samples.push(vec![4, 6, 0, 0, 0, 12, 0, 0, 0]);
        }
        assert!(!samples.is_empty(), "{kind} has golden bytes");
        let weight = if kind.starts_with("segment") { 4 } else { 30 };
        let name = format!("store.{}", kind.replace(' ', "_"));
        targets.push(Target::new(name, Form::Bytes, weight, samples, move |input| {
            let _ = damaged::read(kind, input);
        }));
    }
    targets.push(Target::new("amqp.frames", Form::Bytes, 40, frames(), |input| {
        if let Ok(frames) = read_frames(input) {
            assert!(frames <= input.len() / 8);
        }
    }));
    targets
}

/// A delivery of an unreadable command, in its three frames, and a confirm.
fn frames() -> Vec<Vec<u8>> {
    let frame = |kind: u8, payload: &[u8]| {
        let size = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
        [&[kind, 0, 1][..], &size, payload, &[0xce]].concat()
    };
    let tag = 7_u64.to_be_bytes();
    let deliver = [&[0, 60, 0, 60, 1, b'c'][..], &tag, &[0, 1, b'x', 1, b'k']].concat();
    // message_id (flag 7) with a byte that is not UTF-8
    let header = [&[0, 60, 0, 0][..], &5_u64.to_be_bytes(), &[0x00, 0x80, 2, b'm', 0xe4]].concat();
    let headers_table = [
        &[0, 60, 0, 0][..],
        &0_u64.to_be_bytes(),
        &[0x20, 0, 0, 0, 0, 8, 1, b'n', b'S', 0, 0, 0, 1, b'v'],
    ]
    .concat();
    let ack = [&[0, 60, 0, 80][..], &1_u64.to_be_bytes(), &[1]].concat();
    let delivery =
        [frame(1, &deliver), frame(2, &header), frame(3, b"hello"), frame(1, &ack)].concat();
    let table = [frame(1, &deliver), frame(2, &headers_table)].concat();
    vec![delivery, table]
}

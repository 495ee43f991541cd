//! Changes of a message: its headers, its body, and how the body is compressed. The form is that of `targets::envelope`.

use super::{json, often};
use crate::random::Random;
use crate::targets::envelope::split;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::sync::LazyLock;

const NAMES: [&str; 20] = [
    "content-type",
    "content-encoding",
    "message-id",
    "type",
    "app-id",
    "routing-key",
    "timestamp",
    "deadline",
    "traceparent",
    "operator",
    "attempt",
    "cloudEvents:specversion",
    "cloudEvents:id",
    "cloudEvents:source",
    "cloudEvents:type",
    "cloudEvents:time",
    "cloudEvents:traceparent",
    "cloudEvents_id",
    "cloudEvents_type",
    "cloudEvents_time",
];

const VALUES: [&str; 24] = [
    "",
    "application/json",
    "application/cloudevents+json",
    "APPLICATION/cloudevents+JSON; charset=utf-8",
    "gzip",
    "GZIP",
    "identity",
    "deflate",
    "order.place",
    "payment.callback",
    "no.such.type",
    "1.0",
    "0",
    "253402300799",
    "253402300800",
    "18446744073709551615",
    "i:-9223372036854775808",
    "i:9223372036854775807",
    "t:18446744073709551615",
    "o:a table",
    "2026-01-31T12:00:00Z",
    "9999-12-31T23:59:60Z",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "\u{1f600}\u{0}\u{7f}",
];

/// A body of a few KiB that is decompressed to 16 MiB, and one that is decompressed to others that are compressed.
static BOMBS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let zeros = gzip(&vec![b' '; 16 << 20]);
    let twice = gzip(&zeros.repeat(32));
    [zeros, twice]
});

pub(super) fn mutate(input: &mut Vec<u8>, random: &mut Random) {
    let (head, body) = split(input);
    let (mut head, mut body) = (head.to_vec(), body.to_vec());
    match random.below(9) {
        0..3 => json::mutate(&mut body, random),
        3 => head.extend(format!("{}: {}\n", random.of(&NAMES), random.of(&VALUES)).bytes()),
        4 => {
            let long = random.of(&["a", "9", "\u{e4}", "/"]).repeat(often(random));
            head.extend(format!("{}: {long}\n", random.of(&NAMES)).bytes());
        }
        5 => {
            let mut lines: Vec<_> = head.split_inclusive(|byte| *byte == b'\n').collect();
            if !lines.is_empty() {
                lines.remove(random.below(lines.len()));
            }
            head = lines.concat();
        }
        6 => {
            body = gzip(&body);
            if random.one_in(4) {
                body = body.repeat(1 + random.below(3));
            }
            head.extend(b"content-encoding: gzip\n");
        }
        7 => {
            let small = random.byte().is_multiple_of(8);
            let times = often(random).min((4 << 20) / body.len().max(1)).max(1);
            body = if small { random.of(&*BOMBS).clone() } else { gzip(&body.repeat(times)) };
            head.extend(b"content-encoding: gzip\n");
        }
        _ => {
            let cut = random.below(body.len() + 1);
            body.truncate(cut);
        }
    }
    *input = [&head[..], b"\n", &body].concat();
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // writing to memory does not fail
    let _ = encoder.write_all(content);
    encoder.finish().unwrap_or_default()
}

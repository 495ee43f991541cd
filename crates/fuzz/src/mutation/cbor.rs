//! Changes of CBOR behind the byte with the version of the record: the heads of its items are found, and changed.

use super::{often, raw};
use crate::random::Random;
use std::ops::Range;

pub(super) fn mutate(input: &mut Vec<u8>, random: &mut Random) {
    if random.one_in(24) {
        let version = random.below(8);
        if let Some(first) = input.first_mut() {
            *first = u8::try_from(version).unwrap_or(0);
        }
        return;
    }
    let heads = heads(input);
    if heads.is_empty() {
        return raw::mutate(input, &[vec![1, 0x80]], random);
    }
    let head = random.of(&heads).clone();
    match random.below(8) {
        // another length or value of the same type
        0..2 => {
            let kind = input[head.start] & 0xe0;
            replace(input, head, &argument(kind, random));
        }
        // another type
        2..4 => {
            let kind = u8::try_from(random.below(8)).unwrap_or(0) << 5;
            replace(input, head, &argument(kind, random));
        }
        4 => {
            let depth = often(random);
            let open: &[u8] =
                random.of::<&[u8]>(&[&[0x81], &[0xa1, 0x00], &[0xc1], &[0x9f], &[0x82, 0xf6]]);
            replace(input, head, &open.repeat(depth));
        }
        // an item once more, or many times
        5 => {
            let item = input[head.clone()].repeat(often(random));
            replace(input, head, &item);
        }
        6 => {
            let simple = [*random
                .of(&[0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfb, 0xff, 0x9f, 0xbf, 0x5f, 0x7f])];
            replace(input, head, &simple);
        }
        _ => {
            let other = random.of(&heads).start;
            let part = input[other..].to_vec();
            input.truncate(head.start);
            input.extend(part);
        }
    }
}

fn replace(input: &mut Vec<u8>, place: Range<usize>, with: &[u8]) {
    drop(input.splice(place, with.iter().copied()));
}

/// A head of this major type with a random argument, which is often far too large.
fn argument(kind: u8, random: &mut Random) -> Vec<u8> {
    let small = u8::try_from(random.below(24)).unwrap_or(0);
    let mut head = match random.below(6) {
        0..3 => vec![kind | small],
        3 => vec![kind | 0x18],
        4 => vec![kind | 0x1a],
        _ => vec![kind | 0x1b],
    };
    let width = match head[0] & 0x1f {
        24 => 1,
        26 => 4,
        27 => 8,
        _ => 0,
    };
    let high = random.one_in(2);
    head.extend((0..width).map(|_| if high { 0xff } else { random.byte() }));
    head
}

/// Where the heads of the items are. What is no item ends it.
fn heads(input: &[u8]) -> Vec<Range<usize>> {
    /// Enough to choose from.
    const MOST: usize = 4_096;
    let mut found = Vec::new();
    let mut at = 1;
    while at < input.len() && found.len() < MOST {
        let (kind, info) = (input[at] >> 5, input[at] & 0x1f);
        let width = match info {
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => 0,
        };
        let end = at + 1 + width;
        let Some(argument) = input.get(at + 1..end) else { break };
        let value = argument.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        let value = if width == 0 { u64::from(info) } else { value };
        found.push(at..end);
        at = end;
        // the bytes of a text are no items
        if matches!(kind, 2 | 3) && info < 28 {
            at = at.saturating_add(usize::try_from(value).unwrap_or(usize::MAX));
        }
    }
    found
}

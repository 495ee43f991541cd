//! Changes of JSON: values and members are found without reading it, so that what is damaged already is changed on.

use super::{often, raw};
use crate::random::Random;
use std::ops::Range;

/// About as many bytes as repeated members may have: to make more takes longer than an input may.
const LONGEST: usize = 4 << 20;

const VALUES: [&[u8]; 34] = [
    b"null",
    b"true",
    b"false",
    b"0",
    b"-0",
    b"-1",
    b"0.0",
    b"1.5",
    b"1e2",
    b"1E-400",
    b"1e999999999",
    b"4294967296",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551615",
    b"18446744073709551616",
    b"0.1000000000000000055511151231257827021181583404541015625",
    b"\"\"",
    b"\" \"",
    b"\"\\ud800\"",
    b"\"\\udc00\\ud800\"",
    b"\"\\u0000\"",
    b"\"\xff\"",
    b"\"\xed\xa0\x80\"",
    b"\"1999-13-45T99:99:99Z\"",
    b"\"2026-02-29T12:00:00+23:59\"",
    b"\"0000-01-01T00:00:00Z\"",
    b"\"P999999999Y\"",
    b"\"EUR\"",
    b"[]",
    b"{}",
    b"[[]]",
    b"{\"\":{\"\":null}}",
];

pub(super) fn mutate(input: &mut Vec<u8>, random: &mut Random) {
    let values = values(input);
    if values.is_empty() {
        return raw::mutate(input, &[b"{\"order_id\":\"o-1\"}".to_vec()], random);
    }
    let (key, value) = random.of(&values).clone();
    match random.below(8) {
        0..3 => replace(input, value, random.of::<&[u8]>(&VALUES)),
        3 => {
            let other = random.of(&values).1.clone();
            let other = input[other].to_vec();
            replace(input, value, &other);
        }
        4 => replace(input, value, &nested(random)),
        5 => replace(input, value, &long(random)),
        6 => {
            // the member once more, or many times
            let start = key.map_or(value.start, |key| key.start);
            let mut member = input[start..value.end].to_vec();
            member.push(b',');
            let most = 3_000.min(LONGEST / member.len() + 1);
            replace(input, start..start, &member.repeat(often(random).min(most)));
        }
        _ => {
            let start = key.map_or(value.start, |key| key.start);
            let comma = usize::from(input.get(value.end) == Some(&b','));
            replace(input, start..value.end + comma, b"");
        }
    }
}

fn replace(input: &mut Vec<u8>, place: Range<usize>, with: &[u8]) {
    drop(input.splice(place, with.iter().copied()));
}

/// Objects or lists in one another.
fn nested(random: &mut Random) -> Vec<u8> {
    let depth = often(random);
    let (open, close): (&[u8], &[u8]) =
        *random.of(&[(&b"["[..], &b"]"[..]), (b"{\"a\":", b"}"), (b"{\"data\":[", b"]}")]);
    let mut nested = open.repeat(depth);
    nested.extend_from_slice(b"1");
    if !random.one_in(4) {
        nested.extend(close.repeat(depth));
    }
    nested
}

/// A long text or number, or one that needs escapes.
fn long(random: &mut Random) -> Vec<u8> {
    let piece: &[u8] =
        random.of::<&[u8]>(&[b"a", b"9", b"\\u00e4", b"\\\\", "\u{1f600}".as_bytes(), b"0 "]);
    let many = piece.repeat(often(random));
    if piece == b"9" && random.one_in(2) { many } else { [b"\"", &many[..], b"\""].concat() }
}

/// Where values are, each with its key where it has one. Strings are known, everything else is guessed.
fn values(input: &[u8]) -> Vec<(Option<Range<usize>>, Range<usize>)> {
    /// Enough to choose from; long inputs are not searched to their ends.
    const MOST: usize = 4_096;
    let mut found: Vec<(Option<Range<usize>>, Range<usize>)> = Vec::new();
    let mut open: Vec<(Option<Range<usize>>, usize)> = Vec::new();
    let mut key = None;
    let mut at = 0;
    while at < input.len() && found.len() < MOST {
        let from = at;
        match input[at] {
            b'"' => {
                at += 1;
                while at < input.len() && input[at] != b'"' {
                    at += if input[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(input.len());
                let behind = input[at..].iter().position(|byte| !byte.is_ascii_whitespace());
                if behind.is_some_and(|behind| input[at + behind] == b':') {
                    key = Some(from..at);
                } else {
                    found.push((key.take(), from..at));
                }
            }
            b'{' | b'[' => {
                open.push((key.take(), from));
                at += 1;
            }
            b'}' | b']' => {
                at += 1;
                if let Some((key, from)) = open.pop() {
                    found.push((key, from..at));
                }
            }
            b',' | b':' | b' ' | b'\n' | b'\t' | b'\r' => at += 1,
            _ => {
                let end = input[at..].iter().position(|byte| b",]} \n\t\r\"".contains(byte));
                at = end.map_or(input.len(), |end| (at + end).max(at + 1));
                found.push((key.take(), from..at));
            }
        }
    }
    found
}

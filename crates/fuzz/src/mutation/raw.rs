//! Changes of any bytes.

use super::often;
use crate::random::Random;

/// Numbers at which lengths and counters go wrong.
const EDGES: [u64; 16] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
];

/// Texts at which parsers go wrong.
const TEXTS: [&[u8]; 24] = [
    b"-",
    b"-0",
    b"0",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"1e999999999",
    b"0.000000000000000000000000000000000000000001",
    b"999999999999999999999999999999999999999999999999999999999999999999999",
    b"NaN",
    b"\"",
    b"'",
    b"\n",
    b"\r\n\r\n",
    b"\0",
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
    "\u{202e}\u{1f469}\u{200d}\u{1f469}".as_bytes(),
    b"%",
    b"%00",
    b"%ff%fe",
    b"..//../",
];

pub(super) fn mutate(input: &mut Vec<u8>, samples: &[Vec<u8>], random: &mut Random) {
    let length = input.len();
    match random.below(13) {
        0 => flip(input, random),
        1 => set(input, random),
        2 => drop(input.drain(random.range(length))),
        3 => input.truncate(random.below(length + 1)),
        4 => drop(input.drain(..random.below(length + 1))),
        5 => {
            let part = input[random.range(length)].repeat(often(random).min(2_000));
            insert(input, &part, random);
        }
        6 => {
            let other = random.of(samples);
            let part = other[random.range(other.len())].to_vec();
            insert(input, &part, random);
        }
        7 => {
            // the beginning of this, the end of another one
            let other = random.of(samples);
            input.truncate(random.below(length + 1));
            input.extend_from_slice(&other[random.below(other.len() + 1)..]);
        }
        8 => {
            let text = *random.of(&TEXTS);
            insert(input, text, random);
        }
        9 => {
            let part = random.range(length);
            let text = random.of(&TEXTS).to_vec();
            drop(input.splice(part, text));
        }
        10 => number(input, random),
        11 => {
            let (from, to) = (random.range(length), random.below(length + 1));
            let part = input[from].to_vec();
            let end = (to + part.len()).min(length);
            input[to..end].copy_from_slice(&part[..end - to]);
        }
        _ => {
            let many = vec![random.byte(); often(random)];
            insert(input, &many, random);
        }
    }
}

fn flip(input: &mut [u8], random: &mut Random) {
    let at = random.below(input.len());
    if let Some(byte) = input.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

fn set(input: &mut [u8], random: &mut Random) {
    let at = random.below(input.len());
    if let Some(byte) = input.get_mut(at) {
        *byte = random.byte();
    }
}

/// Writes one of the [`EDGES`] over the bytes, in one of the forms that numbers have.
fn number(input: &mut [u8], random: &mut Random) {
    let edge = *random.of(&EDGES);
    let width = *random.of(&[1, 2, 4, 8]);
    let bytes = if random.one_in(2) {
        edge.to_le_bytes()[..width].to_vec()
    } else {
        edge.to_be_bytes()[8 - width..].to_vec()
    };
    let at = random.below(input.len());
    for (place, byte) in input.iter_mut().skip(at).zip(bytes) {
        *place = byte;
    }
}

fn insert(input: &mut Vec<u8>, part: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    drop(input.splice(at..at, part.iter().copied()));
}

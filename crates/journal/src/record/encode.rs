//! Writing records.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{Close, MAGIC, MAX_NODE, Open, Probe, Record, Tick, Units};
use crate::id::{Epoch, Name, Progress};

pub(super) const OPEN: u8 = 1;
pub(super) const UNITS: u8 = 2;
pub(super) const TICK: u8 = 3;
pub(super) const CLOSE: u8 = 4;
pub(super) const PROBE: u8 = 5;

/// The version in which all kinds but ticks are written.
const FIRST: u8 = 1;
/// The version of a tick that has the chain.
pub(super) const WITH_CHAIN: u8 = 2;
/// The version of a tick that says whether the owner's intake is paused. It is written while the intake is.
pub(super) const WITH_PAUSE: u8 = 3;

/// The length of the check of a head.
pub(super) const CHECK: usize = 8;

/// The check of a head.
pub(super) fn check(head: &[u8]) -> [u8; CHECK] {
    let digest = Sha256::digest(head);
    let mut check = [0; CHECK];
    check.copy_from_slice(&digest[..CHECK]);
    check
}

impl Record {
    /// The bytes of the record.
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Open(open) => encode_open(open),
            Self::Units(units) => units.encode(),
            Self::Tick(tick) => encode_tick(tick),
            Self::Close(close) => encode_close(close),
            Self::Probe(probe) => encode_probe(probe),
        }
    }
}

impl Units {
    /// The bytes of the record.
    pub fn encode(&self) -> Bytes {
        let size: usize = self.units.iter().map(|unit| unit.bytes.len() + 8).sum();
        let mut out = Out::new(UNITS, size + 160);
        out.epoch(self.epoch);
        out.u64(self.first);
        out.bytes(&self.front.0);
        out.progress(self.end);
        out.u64(self.cursor);
        out.i64(self.at);
        // a record is far smaller than 4 GiB, and so is each unit
        out.u32(u32::try_from(self.units.len()).unwrap_or(u32::MAX));
        out.check();
        for unit in &self.units {
            out.u32(unit.span);
            out.u32(u32::try_from(unit.bytes.len()).unwrap_or(u32::MAX));
            out.bytes(&unit.bytes);
        }
        out.0.into()
    }
}

fn encode_open(open: &Open) -> Bytes {
    let mut out = Out::new(OPEN, 256);
    out.epoch(open.epoch);
    out.name(&open.node);
    out.bytes(&open.charter.incarnation);
    out.u16(open.charter.partition);
    out.u16(open.charter.partitions);
    out.progress(open.from);
    out.u64(open.cursor);
    out.i64(open.at);
    out.check();
    out.0.into()
}

fn encode_tick(tick: &Tick) -> Bytes {
    let version = match tick.chain {
        Some(_) if tick.paused => WITH_PAUSE,
        Some(_) => WITH_CHAIN,
        None => FIRST,
    };
    let mut out = Out::of_version(version, TICK, 160);
    out.epoch(tick.epoch);
    out.name(&tick.node);
    out.u64(tick.next);
    if let Some(chain) = &tick.chain {
        out.bytes(&chain.0);
    }
    out.u64(tick.cursor);
    out.i64(tick.at);
    out.0.push(u8::from(tick.active));
    if version >= WITH_PAUSE {
        out.0.push(u8::from(tick.paused));
    }
    out.check();
    out.0.into()
}

fn encode_close(close: &Close) -> Bytes {
    let mut out = Out::new(CLOSE, 64);
    out.epoch(close.epoch);
    out.u64(close.cursor);
    out.i64(close.at);
    out.check();
    out.0.into()
}

fn encode_probe(probe: &Probe) -> Bytes {
    let mut out = Out::new(PROBE, 128);
    out.bytes(&probe.nonce.0);
    out.name(&probe.node);
    out.u64(probe.serial);
    match probe.stored {
        None => out.bytes(&[0]),
        Some(progress) => {
            out.bytes(&[1]);
            out.progress(progress);
        }
    }
    out.check();
    out.0.into()
}

struct Out(Vec<u8>);

impl Out {
    fn new(kind: u8, size: usize) -> Self {
        Self::of_version(FIRST, kind, size)
    }

    fn of_version(version: u8, kind: u8, size: usize) -> Self {
        let mut out = Vec::with_capacity(size);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[version, kind]);
        Self(out)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    fn i64(&mut self, value: i64) {
        self.bytes(&value.to_le_bytes());
    }

    fn epoch(&mut self, epoch: Epoch) {
        self.u64(epoch.number);
        self.bytes(&epoch.nonce.0);
    }

    fn progress(&mut self, progress: Progress) {
        self.u64(progress.next);
        self.bytes(&progress.chain.0);
    }

    fn name(&mut self, name: &Name) {
        self.text(&name.node);
        self.text(&name.url);
    }

    /// A text, which is cut if it is too long.
    fn text(&mut self, text: &str) {
        let mut length = text.len().min(MAX_NODE);
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        let text = &text[..length];
        self.bytes(&[u8::try_from(text.len()).unwrap_or(u8::MAX)]);
        self.bytes(text.as_bytes());
    }

    fn check(&mut self) {
        let check = check(&self.0);
        self.bytes(&check);
    }
}

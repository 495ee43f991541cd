//! Durations in buckets that are each a 64th wider than the one before, as of an HDR histogram: any number of values in memory
//! that does not grow, each read back with an error below 1.6 %.

use serde::{Deserialize, Serialize};

/// Below this every number of microseconds has a bucket of its own; above it each doubling has half as many.
const EXACT: u64 = 128;
const SHIFT: u32 = EXACT.trailing_zeros() - 1;
const HALF: usize = 1 << SHIFT;

/// Counts of durations, in microseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    most: u64,
}

/// What is told of a histogram, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) count: u64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Histogram {
    pub(crate) fn record(&mut self, micros: u64) {
        let index = index(micros);
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
        self.total += 1;
        self.most = self.most.max(micros);
    }

    /// The smallest duration that is not below this share of all, to the width of a bucket.
    pub(crate) fn quantile(&self, share: f64) -> u64 {
        let rank = (self.total as f64 * share).ceil().max(1.0);
        let mut seen = 0.0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += *count as f64;
            if seen >= rank {
                return upper(index).min(self.most);
            }
        }
        self.most
    }

    pub(crate) fn percentiles(&self) -> Percentiles {
        let millis = |micros: u64| micros as f64 / 1_000.0;
        Percentiles {
            count: self.total,
            p50: millis(self.quantile(0.5)),
            p99: millis(self.quantile(0.99)),
            p999: millis(self.quantile(0.999)),
            max: millis(self.most),
        }
    }
}

fn index(micros: u64) -> usize {
    // How far the number must be shifted to lie below `EXACT`.
    let shift = (u64::BITS - (micros | (EXACT - 1)).leading_zeros()) - (SHIFT + 1);
    let within = usize::try_from(micros >> shift).unwrap_or(usize::MAX);
    shift as usize * HALF + within
}

/// The largest number of a bucket.
fn upper(index: usize) -> u64 {
    let shift = (index / HALF).saturating_sub(1);
    let within = (index - shift * HALF) as u64;
    ((within + 1) << shift) - 1
}

/// Fails when the buckets are not what they say; benches have no test harness of their own.
pub(crate) fn check() {
    for micros in (0..5_000).chain((13..60).map(|bits| (1 << bits) + 12_345)) {
        let most = upper(index(micros));
        assert!(micros <= most && most - micros <= micros / 64, "{micros} lies below {most}");
        assert!(index(most) == index(micros) && index(most + 1) > index(micros), "{micros}");
    }
    let mut histogram = Histogram::default();
    (1..=1_000).for_each(|millis| histogram.record(millis * 1_000));
    let read = histogram.percentiles();
    assert!((500.0..509.0).contains(&read.p50) && (990.0..=1_000.0).contains(&read.p99));
    assert!(read.count == 1_000 && (read.max - 1_000.0).abs() < 1e-9, "{read:?}");
}

//! From values to places on the paper, and where the numbers stand.

use crate::results::whole;

/// How values are spread over an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// From 0.
    Linear,
    /// By powers of ten. Values below a thousandth lie at a thousandth.
    Log,
}

/// The most numbers on a linear axis.
const TICKS: f64 = 6.0;

const LEAST: f64 = 0.001;

pub(super) struct Axis {
    scale: Scale,
    /// As powers of ten on a logarithmic axis.
    first: f64,
    last: f64,
    step: f64,
    /// Where `first` and `last` lie.
    from: f64,
    to: f64,
}

impl Axis {
    pub(super) fn new(
        scale: Scale,
        values: impl Iterator<Item = f64>,
        (from, to): (f64, f64),
    ) -> Self {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            least = least.min(value);
            most = most.max(value);
        }
        let (first, last, step) = match scale {
            Scale::Linear => {
                let most = if most > 0.0 { most } else { 1.0 };
                let step = round_step(most / TICKS);
                (0.0, (most / step).ceil() * step, step)
            }
            Scale::Log => {
                let least = least.max(LEAST).log10().floor();
                let most = most.max(LEAST).log10().ceil();
                (least, if most > least { most } else { least + 1.0 }, 1.0)
            }
        };
        Self { scale, first, last, step, from, to }
    }

    pub(super) fn place(&self, value: f64) -> f64 {
        let value = match self.scale {
            Scale::Linear => value,
            Scale::Log => value.max(LEAST).log10(),
        };
        let part = (value - self.first) / (self.last - self.first);
        self.from + part * (self.to - self.from)
    }

    /// Places and texts.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let count = whole((self.last - self.first) / self.step);
        let value = |index: u64| {
            let value = self.first + self.step * index as f64;
            if self.scale == Scale::Log { 10_f64.powf(value) } else { value }
        };
        (0..=count).map(|index| (self.place(value(index)), number(value(index)))).collect()
    }
}

/// 1, 2 or 5 times a power of ten, not below this.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    // Sums of powers of ten are not exact.
    steps.into_iter().find(|step| *step >= least * 0.999_999).unwrap_or(power * 10.0)
}

/// As people write it: 12,000 and 0.25.
pub(crate) fn number(value: f64) -> String {
    let rounded = if value.abs() >= 10.0 { value.round() } else { value };
    let text = format!("{rounded:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && digit != '-' && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if part.is_empty() { grouped } else { format!("{grouped}.{part}") }
}

pub(super) fn check() {
    assert_eq!(number(1_234_567.2), "1,234,567");
    assert_eq!([number(0.25), number(999.0), number(0.0)], ["0.25", "999", "0"]);
    let axis = Axis::new(Scale::Linear, [0.0, 47_000.0].into_iter(), (0.0, 100.0));
    let texts: Vec<String> = axis.ticks().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["0", "10,000", "20,000", "30,000", "40,000", "50,000"]);
    assert!((axis.place(25_000.0) - 50.0).abs() < 1e-9);
    let axis = Axis::new(Scale::Log, [0.5, 80.0].into_iter(), (90.0, 0.0));
    let texts: Vec<String> = axis.ticks().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["0.1", "1", "10", "100"]);
    assert!((axis.place(10.0) - 30.0).abs() < 1e-9);
}

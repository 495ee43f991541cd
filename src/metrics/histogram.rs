//! Histograms that record a whole batch in one step, in memory that does not grow.
//!
//! The histograms of the exporter keep every sample with its time until the next scrape: 45 ns and 16 bytes a sample, with
//! eleven samples an order. Here a batch of any size is one addition a histogram, and no background task has to fold samples.
//! The output is the Prometheus exposition format, version 0.0.4.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use metrics::{Histogram, HistogramFn};

/// Counts of values, each under the smallest bound that is not below the value.
struct Buckets {
    bounds: &'static [f64],
    /// A count for each bound, and a last one for the values above all bounds.
    counts: Box<[AtomicU64]>,
    /// The sum of all values, as the bits of an `f64`.
    sum: AtomicU64,
}

impl HistogramFn for Buckets {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(count as u64, Relaxed);
        let add = |sum: u64| Some((f64::from_bits(sum) + value * count as f64).to_bits());
        // Fails only where `add` gives none, which it never does.
        self.sum.fetch_update(Relaxed, Relaxed, add).ok();
    }
}

/// The histograms of one metric name.
pub(super) struct Family {
    name: &'static str,
    about: &'static str,
    /// The histograms, each with its label as written between the braces, if it has one.
    series: Vec<(Option<String>, Arc<Buckets>)>,
}

impl Family {
    pub(super) fn new(name: &'static str, about: &'static str) -> Self {
        Self { name, about, series: Vec::new() }
    }

    /// The name of the metric.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Adds a histogram, with its labels as written between the braces, if it has any.
    pub(super) fn add(&mut self, label: Option<String>, bounds: &'static [f64]) -> Histogram {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        let buckets = Arc::new(Buckets { bounds, counts, sum: AtomicU64::new(0) });
        self.series.push((label, Arc::clone(&buckets)));
        Histogram::from_arc(buckets)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, about, series } = self;
        writeln!(f, "# HELP {name} {about}\n# TYPE {name} histogram")?;
        for (label, buckets) in series {
            buckets.write(name, label.as_deref(), f)?;
        }
        writeln!(f)
    }
}

impl Buckets {
    /// A written bucket counts all values up to its bound. The total is the last bucket and no counter of its own, so the two
    /// agree while other threads record.
    fn write(&self, name: &str, label: Option<&str>, f: &mut impl fmt::Write) -> fmt::Result {
        let separated = label.map(|label| format!("{label},")).unwrap_or_default();
        let bounds = self.bounds.iter().map(ToString::to_string);
        let mut total = 0;
        for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(&self.counts) {
            total += count.load(Relaxed);
            writeln!(f, "{name}_bucket{{{separated}le=\"{bound}\"}} {total}")?;
        }
        let braced = label.map(|label| format!("{{{label}}}")).unwrap_or_default();
        let sum = f64::from_bits(self.sum.load(Relaxed));
        writeln!(f, "{name}_sum{braced} {sum}\n{name}_count{braced} {total}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_written_in_the_format_of_prometheus() {
        let mut family = Family::new("shop_wait_seconds", "Time in the queue");
        let till = family.add(Some("queue=\"till\"".to_owned()), &[0.5, 1.0, 2.5]);
        till.record(0.5);
        till.record_many(0.75, 3);
        till.record(7.0);
        let text = family.to_string();
        let wanted = "\
# HELP shop_wait_seconds Time in the queue
# TYPE shop_wait_seconds histogram
shop_wait_seconds_bucket{queue=\"till\",le=\"0.5\"} 1
shop_wait_seconds_bucket{queue=\"till\",le=\"1\"} 4
shop_wait_seconds_bucket{queue=\"till\",le=\"2.5\"} 4
shop_wait_seconds_bucket{queue=\"till\",le=\"+Inf\"} 5
shop_wait_seconds_sum{queue=\"till\"} 9.75
shop_wait_seconds_count{queue=\"till\"} 5

";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_histogram_without_a_label_has_no_empty_braces() {
        let mut family = Family::new("shop_size", "Size");
        family.add(None, &[1.0]).record(1.0);
        let text = family.to_string();
        for line in ["shop_size_bucket{le=\"1\"} 1", "shop_size_sum 1", "shop_size_count 1"] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in: {text}");
        }
    }

    #[test]
    fn no_value_is_lost_when_threads_record_at_the_same_time() {
        let mut family = Family::new("n", "N");
        let histogram = family.add(None, &[1.0]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| histogram.record_many(0.5, 2)));
            }
        });
        let text = family.to_string();
        assert!(text.contains("n_count 80000\n") && text.contains("n_sum 40000\n"), "{text}");
    }
}

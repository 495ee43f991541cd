//! The values of all series at one moment, read from the exposition: who asks the process itself sees what Prometheus sees.

use std::collections::BTreeMap;

use super::Exporter;

/// The values of all series at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading(Vec<Series>);

#[derive(Debug, Clone, PartialEq)]
struct Series {
    name: Box<str>,
    labels: Vec<(Box<str>, Box<str>)>,
    value: f64,
}

impl Exporter {
    /// The current values.
    pub fn reading(&self) -> Reading {
        Reading::of(&self.render())
    }
}

impl Reading {
    /// Reads the text format of Prometheus. Lines that are no series are left out. No value of our labels has a character
    /// that would be escaped.
    fn of(exposition: &str) -> Self {
        let lines = exposition.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(series).collect())
    }

    /// The sum of a metric over all series with this label, or over all where no label is given; 0 where there are none.
    pub fn sum(&self, name: &str, label: Option<(&str, &str)>) -> f64 {
        self.of_metric(name, label).map(|series| series.value).sum()
    }

    /// The largest value of a metric; 0 where there is none.
    pub fn largest(&self, name: &str) -> f64 {
        self.of_metric(name, None).map(|series| series.value).fold(0.0, f64::max)
    }

    /// The smallest value of a metric; 0 where there is none.
    pub fn smallest(&self, name: &str) -> f64 {
        self.of_metric(name, None).map(|series| series.value).reduce(f64::min).unwrap_or(0.0)
    }

    /// The largest values of a metric by the values of a label.
    pub fn largest_by(&self, name: &str, label: &str) -> BTreeMap<&str, f64> {
        let mut largest = BTreeMap::<&str, f64>::new();
        for series in self.of_metric(name, None) {
            if let Some(value) = series.label(label) {
                let known = largest.entry(value).or_default();
                *known = known.max(series.value);
            }
        }
        largest
    }

    /// The sums of a metric by the values of a label.
    pub fn by(&self, name: &str, label: &str) -> BTreeMap<&str, f64> {
        let mut sums = BTreeMap::new();
        for series in self.of_metric(name, None) {
            if let Some(value) = series.label(label) {
                *sums.entry(value).or_default() += series.value;
            }
        }
        sums
    }

    /// The buckets of a histogram, each with its upper bound and the number of values up to that bound since the start. The
    /// last bound is infinite.
    pub fn buckets(&self, name: &str, label: Option<(&str, &str)>) -> Vec<(f64, f64)> {
        let name = format!("{name}_bucket");
        let bucket = |one: &Series| Some((one.label("le")?.parse::<f64>().ok()?, one.value));
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for (bound, count) in self.of_metric(&name, label).filter_map(bucket) {
            // of each partition there is a histogram, with the same bounds
            match buckets.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
                Some((_, sum)) => *sum += count,
                None => buckets.push((bound, count)),
            }
        }
        buckets
    }

    fn of_metric(&self, name: &str, label: Option<(&str, &str)>) -> impl Iterator<Item = &Series> {
        self.0.iter().filter(move |series| {
            &*series.name == name
                && label.is_none_or(|(label, value)| series.label(label) == Some(value))
        })
    }
}

impl Series {
    fn label(&self, name: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(known, _)| &**known == name);
        found.map(|(_, value)| &**value)
    }
}

fn series(line: &str) -> Option<Series> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        None => (series, ""),
        Some((name, labels)) => (name, labels.strip_suffix('}')?),
    };
    let pair = |pair: &str| {
        let (label, value) = pair.split_once('=')?;
        Some((label.into(), value.strip_prefix('"')?.strip_suffix('"')?.into()))
    };
    let labels = labels.split(',').filter(|pair| !pair.is_empty()).map(pair);
    Some(Series {
        name: name.into(),
        labels: labels.collect::<Option<_>>()?,
        value: value.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use crate::metrics::labels::{CommandType, Stage};
    use orderly_domain::command::Kind;
    use orderly_domain::verdict::Verdict;
    use std::time::Duration;

    #[test]
    #[allow(clippy::float_cmp, reason = "counts are whole numbers")]
    fn a_reading_has_the_values_that_were_counted() {
        let (metrics, exporter) = Metrics::new();
        metrics.commands(CommandType::Known(Kind::OrderPlace), Verdict::Applied, 3);
        metrics.commands(CommandType::Known(Kind::CartPut), Verdict::Applied, 2);
        metrics.commands(CommandType::Other, Verdict::Invalid, 1);
        metrics.store_bytes(4096);
        metrics.command_duration(Stage::Total, Duration::from_millis(2), 5);
        metrics.command_duration(Stage::Wait, Duration::from_millis(2), 7);
        let reading = exporter.reading();

        let commands = "orderly_commands_total";
        assert_eq!(reading.sum(commands, None), 6.0);
        assert_eq!(reading.sum(commands, Some(("verdict", "applied"))), 5.0);
        assert_eq!(reading.sum(commands, Some(("type", "no.such"))), 0.0);
        assert_eq!(reading.sum("orderly_store_bytes", None), 4096.0);
        let verdicts = reading.by(commands, "verdict");
        assert_eq!((verdicts["applied"], verdicts["invalid"], verdicts["stale"]), (5.0, 1.0, 0.0));

        let buckets = reading.buckets("orderly_command_duration_seconds", Some(("stage", "total")));
        assert!(buckets.contains(&(0.001, 0.0)) && buckets.contains(&(0.002_5, 5.0)));
        assert_eq!(buckets.last(), Some(&(f64::INFINITY, 5.0)));
    }

    #[test]
    #[allow(clippy::float_cmp, reason = "counts are whole numbers")]
    fn each_partition_has_series_of_its_own_and_the_process_has_one() {
        let four = std::num::NonZeroU16::new(4).expect("not zero");
        let (all, exporter) = Metrics::of_partitions(orderly_domain::partition::Partitions(four));
        for (number, metrics) in (1..).zip(&all) {
            metrics.commands(CommandType::Known(Kind::OrderPlace), Verdict::Applied, number);
            metrics.command_duration(Stage::Total, Duration::from_millis(2), 1);
            metrics.disk(10, 20);
            metrics.broker_connected();
        }
        all[2].broker_disconnected();
        let reading = exporter.reading();
        let of_third = |name| reading.sum(name, Some(("partition", "2")));
        assert_eq!(reading.sum("orderly_commands_total", None), 10.0);
        assert_eq!(of_third("orderly_commands_total"), 3.0);
        assert_eq!(reading.sum("orderly_disk_free_bytes", None), 10.0);
        assert_eq!(reading.sum("orderly_build_info", None), 1.0);
        assert_eq!(reading.smallest("orderly_broker_connected"), 0.0);
        assert_eq!(reading.largest("orderly_broker_connected"), 1.0);
        let total = reading.buckets("orderly_command_duration_seconds", Some(("stage", "total")));
        assert_eq!(total.last(), Some(&(f64::INFINITY, 4.0)), "the partitions together");
        let text = exporter.render();
        for what in ["HELP orderly_commands_total", "TYPE orderly_command_duration_seconds"] {
            assert_eq!(text.matches(what).count(), 1, "{what}");
        }
        assert!(
            !Metrics::new().1.render().contains("partition="),
            "without partitions: no such label"
        );
    }

    #[test]
    fn a_line_that_is_no_series_is_left_out() {
        let text = "# HELP a A\na 1\nb{x=\"1\" 2\nc{x=1} 2\nd\ne{x=\"1\",y=\"2\"} NaN\n";
        let reading = Reading::of(text);
        let names: Vec<_> = reading.0.iter().map(|series| &*series.name).collect();
        assert_eq!(names, ["a", "e"]);
        assert_eq!(reading.0[1].label("y"), Some("2"));
    }
}

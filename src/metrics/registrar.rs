//! Makes and describes series through the interface of the recorder. The macros of `metrics` would look a series up by its
//! name at every use, in a recorder that the whole process shares.

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, SharedString,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

use super::Exporter;
use super::histogram::Family;

/// A label: its name, its values, and the text of a value.
pub(super) type Values<L> = (&'static str, &'static [L], fn(L) -> &'static str);

/// The series of one metric: one for each value of its label.
pub(super) struct PerValue<L: 'static, S> {
    values: &'static [L],
    series: Vec<S>,
}

impl<L: Copy + PartialEq, S> PerValue<L, S> {
    fn new(values: &'static [L], one: impl FnMut(&L) -> S) -> Self {
        Self { values, series: values.iter().map(one).collect() }
    }

    /// The series of `value`; none for a value that is not in the set.
    pub(super) fn get(&self, value: L) -> Option<&S> {
        let place = self.values.iter().position(|one| *one == value)?;
        self.series.get(place)
    }
}

/// Makes and describes series. The exposition shows a series from then on.
pub(super) struct Registrar {
    recorder: PrometheusRecorder,
    histograms: Vec<Family>,
    /// The label of all series that are made, but for those of the whole process.
    partition: Option<u16>,
}

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

impl Registrar {
    pub(super) fn new() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        Self { recorder, histograms: Vec::new(), partition: None }
    }

    /// Gives the series that follow the label `partition`, or none.
    pub(super) fn for_partition(&mut self, partition: Option<u16>) {
        self.partition = partition;
    }

    /// The exporter of all series that were made.
    pub(super) fn exporter(self) -> Exporter {
        let counters_and_gauges = self.recorder.handle();
        Exporter { counters_and_gauges, histograms: self.histograms.into() }
    }

    /// Makes a gauge that is always 1 and carries information in its label.
    pub(super) fn constant(
        &self,
        name: &'static str,
        about: &'static str,
        label: &'static str,
        value: &'static str,
    ) {
        self.describe_gauge(name, about);
        let key = Key::from_parts(name, vec![Label::from_static_parts(label, value)]);
        self.recorder.register_gauge(&key, &METADATA).set(1.0);
    }

    pub(super) fn histograms<L: Copy + PartialEq>(
        &mut self,
        name: &'static str,
        about: &'static str,
        (label, values, text): Values<L>,
        bounds: &'static [f64],
    ) -> PerValue<L, Histogram> {
        let partition = self.partition;
        let family = self.family(name, about);
        let one = |value: &L| {
            let label = format!("{label}=\"{}\"", text(*value));
            family.add(Some(with_partition(label, partition)), bounds)
        };
        PerValue::new(values, one)
    }

    pub(super) fn histogram(
        &mut self,
        name: &'static str,
        about: &'static str,
        bounds: &'static [f64],
    ) -> Histogram {
        let label = self.partition.map(label_of_partition);
        self.family(name, about).add(label, bounds)
    }

    fn family(&mut self, name: &'static str, about: &'static str) -> &mut Family {
        let known = self.histograms.iter().position(|family| family.name() == name);
        let at = known.unwrap_or_else(|| {
            self.histograms.push(Family::new(name, about));
            self.histograms.len() - 1
        });
        &mut self.histograms[at]
    }

    /// A gauge of the whole process.
    pub(super) fn gauge_of_process(&self, name: &'static str, about: &'static str) -> Gauge {
        self.describe_gauge(name, about);
        self.recorder.register_gauge(&Key::from_name(name), &METADATA)
    }

    pub(super) fn gauge(&self, name: &'static str, about: &'static str) -> Gauge {
        self.describe_gauge(name, about);
        self.one_gauge(name, Vec::new())
    }

    pub(super) fn gauges<L: Copy + PartialEq>(
        &self,
        name: &'static str,
        about: &'static str,
        (label, values, text): Values<L>,
    ) -> PerValue<L, Gauge> {
        self.describe_gauge(name, about);
        let one =
            |value: &L| self.one_gauge(name, vec![Label::from_static_parts(label, text(*value))]);
        PerValue::new(values, one)
    }

    pub(super) fn counter(&self, name: &'static str, about: &'static str) -> Counter {
        self.describe_counter(name, about);
        self.one_counter(name, Vec::new())
    }

    pub(super) fn counters<L: Copy + PartialEq>(
        &self,
        name: &'static str,
        about: &'static str,
        (label, values, text): Values<L>,
    ) -> PerValue<L, Counter> {
        self.describe_counter(name, about);
        let one =
            |value: &L| self.one_counter(name, vec![Label::from_static_parts(label, text(*value))]);
        PerValue::new(values, one)
    }

    pub(super) fn counter_table<L: Copy + PartialEq, M: Copy + PartialEq>(
        &self,
        name: &'static str,
        about: &'static str,
        (outer, rows, row_text): Values<L>,
        (inner, columns, column_text): Values<M>,
    ) -> PerValue<L, PerValue<M, Counter>> {
        self.describe_counter(name, about);
        let one = |row: L, column: M| {
            let labels = vec![
                Label::from_static_parts(outer, row_text(row)),
                Label::from_static_parts(inner, column_text(column)),
            ];
            self.one_counter(name, labels)
        };
        PerValue::new(rows, |row| PerValue::new(columns, |column| one(*row, *column)))
    }

    fn one_counter(&self, name: &'static str, mut labels: Vec<Label>) -> Counter {
        labels.extend(self.label());
        self.recorder.register_counter(&Key::from_parts(name, labels), &METADATA)
    }

    fn one_gauge(&self, name: &'static str, mut labels: Vec<Label>) -> Gauge {
        labels.extend(self.label());
        self.recorder.register_gauge(&Key::from_parts(name, labels), &METADATA)
    }

    fn label(&self) -> Option<Label> {
        self.partition.map(|number| Label::new("partition", number.to_string()))
    }

    fn describe_counter(&self, name: &'static str, about: &'static str) {
        self.recorder.describe_counter(
            KeyName::from_const_str(name),
            None,
            SharedString::const_str(about),
        );
    }

    fn describe_gauge(&self, name: &'static str, about: &'static str) {
        self.recorder.describe_gauge(
            KeyName::from_const_str(name),
            None,
            SharedString::const_str(about),
        );
    }
}

/// The label of a partition, as written between the braces.
fn label_of_partition(number: u16) -> String {
    format!("partition=\"{number}\"")
}

fn with_partition(label: String, partition: Option<u16>) -> String {
    match partition {
        None => label,
        Some(number) => format!("{label},{}", label_of_partition(number)),
    }
}

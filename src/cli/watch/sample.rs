//! What the admin API says at one moment.

use crate::cli::api::{Api, Error};
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_domain::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// The values of the series of `/metrics`, by name and labels as they are written there.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Reads the text format of Prometheus. Lines of another form are left out.
    pub(super) fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let series = lines.filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        });
        Self(series.collect())
    }

    /// The sum of the series of a metric.
    pub(super) fn sum(&self, name: &str) -> f64 {
        self.of(name).map(|(_, value)| value).sum()
    }

    /// The sums of the series of a metric, by the value of a label.
    pub(super) fn by(&self, name: &str, label: &str) -> BTreeMap<&str, f64> {
        let mut sums = BTreeMap::new();
        for (labels, value) in self.of(name) {
            if let Some(of) = label_of(labels, label) {
                *sums.entry(of).or_default() += value;
            }
        }
        sums
    }

    /// The upper bounds of the buckets of a histogram, in ascending order, each with the number of values up to there.
    pub(super) fn buckets(&self, name: &str, label: (&str, &str)) -> Vec<(f64, f64)> {
        let name = format!("{name}_bucket");
        let of_label =
            self.of(&name).filter(|(labels, _)| label_of(labels, label.0) == Some(label.1));
        let mut buckets: Vec<(f64, f64)> = of_label
            .filter_map(|(labels, count)| {
                let bound = match label_of(labels, "le")? {
                    "+Inf" => f64::INFINITY,
                    bound => bound.parse().ok()?,
                };
                Some((bound, count))
            })
            .collect();
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        buckets
    }

    /// The series of a metric: the labels and the value.
    fn of<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = (&'a str, f64)> + use<'a, 'n> {
        let from = self.0.range(name.to_owned()..);
        let named = from.take_while(move |(series, _)| series.starts_with(name));
        named.filter_map(move |(series, value)| {
            let labels = series.strip_prefix(name)?;
            (labels.is_empty() || labels.starts_with('{')).then_some((labels, *value))
        })
    }
}

/// The value of a label. Neither labels nor values of ours need escaping.
fn label_of<'a>(labels: &'a str, label: &str) -> Option<&'a str> {
    let inside = labels.strip_prefix('{')?.strip_suffix('}')?;
    let mut pairs = inside.split(',').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == label)?;
    Some(value.trim_matches('"'))
}

/// An actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Actor {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) restarts: u64,
}

/// What the admin API says at one moment.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// The time here.
    pub(super) at: Timestamp,
    /// The time since the command began.
    pub(super) elapsed: Duration,
    /// Why the process is not ready: names and details.
    pub(super) reasons: Vec<(String, String)>,
    /// What a person should see although it is ready: names and details.
    pub(super) degraded: Vec<(String, String)>,
    pub(super) metrics: Metrics,
    pub(super) actors: Vec<Actor>,
}

impl Sample {
    /// Asks for everything.
    pub(super) async fn take(api: &Api, clock: &SystemClock) -> Result<Self, Error> {
        let ready = api.readiness().await?;
        let metrics = Metrics::parse(&api.text("/metrics").await?);
        // a process that is starting has no actors yet
        let actors = match api.get("/api/actors").await {
            Ok(actors) => actors_of(&actors),
            Err(Error::Refused { status, .. }) if status >= 500 => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            at: clock.now(),
            elapsed: clock.monotonic(),
            reasons: reasons_of(&ready["reasons"]),
            degraded: reasons_of(&ready["degraded"]),
            metrics,
            actors,
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn reasons_of(list: &Value) -> Vec<(String, String)> {
    let reasons = list.as_array().into_iter().flatten();
    reasons.map(|one| (text(&one["reason"]), text(&one["detail"]))).collect()
}

fn actors_of(list: &Value) -> Vec<Actor> {
    let actors = list.as_array().into_iter().flatten();
    let actor = |one: &Value| Actor {
        name: text(&one["actor"]),
        state: text(&one["state"]),
        restarts: one["restarts"].as_u64().unwrap_or_default(),
    };
    actors.map(actor).collect()
}

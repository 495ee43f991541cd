//! What happened in a processor while it was slow: its metrics and the CPU of the machine are looked at each 100 ms, and each
//! latency is put beside what happened while its event was under way.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant};

use super::{
    histogram::{Histogram, Percentiles},
    paced::Arrival,
    process,
    processor::{Admin, sum_of},
    thread::{Worker, once, sample},
};

const EVERY: Duration = Duration::from_millis(100);

/// So many of the worst intervals are told.
const WORST: usize = 10;

/// What may happen in an interval, as the report calls it.
const NAMES: [&str; 9] = [
    "a step of a checkpoint",
    "a step of a merge",
    "identities or journal expire",
    "a flush above 10 ms",
    "timers (sweeps of old orders)",
    "an audit",
    "a backup",
    "others use the CPU",
    "the host takes the CPU",
];
const SLOW_FLUSH: usize = 3;
const TIMERS: usize = 4;
const AUDIT: usize = 5;
const BACKUP: usize = 6;
const OTHERS: usize = 7;
const STOLEN: usize = 8;

/// The values of the label `work` of the metric, in the order of [`NAMES`].
const WORK: [&str; 3] = ["checkpoint", "merge", "expire"];

/// Less work of the store's own than this, in seconds, in an interval is none.
const SOME: f64 = 0.001;

/// CPU seconds in an interval of 100 ms that are too many.
const MUCH: f64 = 0.03;

/// Latencies while something happened, and while it did not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Coincidence {
    pub(crate) what: String,
    /// The share of the intervals in which it happened.
    pub(crate) share: f64,
    pub(crate) with: Percentiles,
    pub(crate) without: Percentiles,
}

/// One of the worst intervals.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Worst {
    /// Seconds from the start of the run.
    pub(crate) at: f64,
    /// The largest latency of an event that arrived in it, in milliseconds.
    pub(crate) max: f64,
    pub(crate) happened: Vec<String>,
}

/// Everything that is counted, so far.
struct Sample {
    /// Since the start of the run.
    at: Duration,
    counts: [f64; NAMES.len()],
}

/// Work that the bench itself asked for.
struct Span {
    what: usize,
    from: Duration,
    to: Duration,
}

/// Looks at a processor during a run, and has it audit and back up.
pub(crate) struct Watch {
    samples: Worker<Vec<Sample>>,
    spans: Vec<Worker<Span>>,
}

impl Watch {
    pub(crate) fn start(admin: &Admin, pid: u32, began: Instant, seconds: f64) -> Self {
        let ask = |what: usize, share: f64| {
            let (admin, due) = (admin.clone(), began + Duration::from_secs_f64(seconds * share));
            once(move || {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let from = began.elapsed();
                if what == AUDIT {
                    admin.audit()?;
                } else {
                    admin.backup()?;
                }
                Ok(Span { what, from, to: began.elapsed() })
            })
        };
        let spans = vec![ask(AUDIT, 0.35), ask(BACKUP, 0.55), ask(AUDIT, 0.8)];
        let admin = admin.clone();
        let samples = sample(EVERY, move || look(&admin, pid, began));
        Self { samples, spans }
    }

    pub(crate) fn stop(self) -> Result<Seen> {
        let spans = self.spans.into_iter().map(Worker::join).collect::<Result<Vec<_>>>()?;
        Ok(Seen::new(&self.samples.stop()?, &spans))
    }
}

fn look(admin: &Admin, pid: u32, began: Instant) -> Result<Sample> {
    let metrics = admin.get("/metrics")?;
    let mut counts = [0.0; NAMES.len()];
    for (count, work) in counts.iter_mut().zip(WORK) {
        *count = sum_of(&metrics, "orderly_store_work_seconds_sum", &format!("work=\"{work}\""));
    }
    let flushes = "orderly_store_flush_seconds";
    counts[SLOW_FLUSH] = sum_of(&metrics, &format!("{flushes}_count"), "")
        - sum_of(&metrics, &format!("{flushes}_bucket"), "le=\"0.01\"");
    counts[TIMERS] = sum_of(&metrics, "orderly_commands_total", "type=\"internal\"");
    let machine = process::machine_cpu()?;
    let known = process::cpu_of(pid)?
        + process::broker_cpu()?.unwrap_or_default()
        + process::own_cpu()?
        + machine.stolen;
    counts[OTHERS] = machine.busy - known;
    counts[STOLEN] = machine.stolen;
    Ok(Sample { at: began.elapsed(), counts })
}

/// What happened in each interval.
pub(crate) struct Seen {
    /// The end of each interval in microseconds since the start of the run, and whether each of [`NAMES`] happened.
    intervals: Vec<(u64, [bool; NAMES.len()])>,
}

impl Seen {
    fn new(samples: &[Sample], spans: &[Span]) -> Self {
        let mut intervals = Vec::new();
        for pair in samples.windows(2) {
            let [before, after] = pair else { continue };
            let mut happened = [false; NAMES.len()];
            for (index, happened) in happened.iter_mut().enumerate() {
                let more = after.counts[index] - before.counts[index];
                let spanned =
                    |span: &Span| span.what == index && span.from < after.at && span.to > before.at;
                *happened = match index {
                    SLOW_FLUSH | TIMERS => more > 0.5,
                    AUDIT | BACKUP => spans.iter().any(spanned),
                    OTHERS | STOLEN => more > MUCH,
                    _ => more > SOME,
                };
            }
            intervals.push((super::paced::micros(after.at), happened));
        }
        Self { intervals }
    }

    /// What happened while an event was under way, and the interval in which it arrived.
    fn beside(&self, arrival: Arrival) -> Option<(usize, [bool; NAMES.len()])> {
        let at = |micros: u64| self.intervals.partition_point(|(end, _)| *end < micros);
        let last = at(arrival.at);
        let mut happened = self.intervals.get(last)?.1;
        let first = at(arrival.at.saturating_sub(arrival.latency));
        for (_, before) in &self.intervals[first..last] {
            for (all, one) in happened.iter_mut().zip(before) {
                *all |= one;
            }
        }
        Some((last, happened))
    }

    /// The latencies with and without each thing that happened at all.
    pub(crate) fn coincidences(&self, arrivals: &[Arrival]) -> Vec<Coincidence> {
        let mut with = vec![Histogram::default(); NAMES.len()];
        let mut without = with.clone();
        for arrival in arrivals {
            let Some((_, happened)) = self.beside(*arrival) else { continue };
            for (index, happened) in happened.into_iter().enumerate() {
                let side = if happened { &mut with } else { &mut without };
                side[index].record(arrival.latency);
            }
        }
        let share = |index: usize| {
            let times = self.intervals.iter().filter(|(_, happened)| happened[index]).count();
            times as f64 / self.intervals.len().max(1) as f64
        };
        (0..NAMES.len())
            .filter(|index| share(*index) > 0.0)
            .map(|index| Coincidence {
                what: NAMES[index].to_owned(),
                share: share(index),
                with: with[index].percentiles(),
                without: without[index].percentiles(),
            })
            .collect()
    }

    /// The intervals with the largest latencies.
    pub(crate) fn worst(&self, arrivals: &[Arrival]) -> Vec<Worst> {
        let mut worst: Vec<(u64, usize, [bool; NAMES.len()])> = Vec::new();
        let mut of_interval = vec![None; self.intervals.len()];
        for arrival in arrivals {
            let Some((index, happened)) = self.beside(*arrival) else { continue };
            let known = of_interval[index].get_or_insert((arrival.latency, index, happened));
            if arrival.latency > known.0 {
                *known = (arrival.latency, index, happened);
            }
        }
        worst.extend(of_interval.into_iter().flatten());
        worst.sort_unstable_by_key(|(latency, ..)| std::cmp::Reverse(*latency));
        worst.truncate(WORST);
        let told = |(latency, index, happened): (u64, usize, [bool; NAMES.len()])| Worst {
            at: self.intervals[index].0 as f64 / 1e6,
            max: latency as f64 / 1e3,
            happened: NAMES
                .iter()
                .zip(happened)
                .filter(|(_, happened)| *happened)
                .map(|(name, _)| (*name).to_owned())
                .collect(),
        };
        worst.into_iter().map(told).collect()
    }
}

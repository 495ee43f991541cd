//! What a run is made of: its seed, its size, and what may go wrong in it.

use orderly_demo::Random;
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

/// One run. The same case always gives the same run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case {
    /// All chance of the run comes from this number.
    pub seed: u64,
    /// How many members share a journal. 0: one process has the store for itself.
    pub members: usize,
    /// How many commands producers make, not counting copies. `None`: a number between 40 and 160, by the seed.
    pub commands: Option<u32>,
    /// The commands that are published, counted from 1 as they are made. `None`: all.
    pub only: Option<BTreeSet<u32>>,
    /// The faults that do not happen.
    pub without: BTreeSet<Fault>,
}

/// What random numbers are for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// The configuration of the run.
    Plan,
    /// A step.
    Step,
    /// What a producer makes.
    Command,
    /// What goes wrong with members, and how often.
    Members,
}

/// A kind of fault. The seed decides which of those that may happen do, and how often.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Fault {
    /// The process is killed, or the power fails, between two steps.
    Crashes,
    /// A write or sync of the disk fails: with the power, full, or broken.
    Disk,
    /// A command fails outside of the core and is retried.
    Failures,
    /// An owner panics while it handles a command, a timer or an outcome.
    Panics,
    /// The broker's connection breaks: acknowledgements and confirms are lost.
    Connections,
    /// Producers send a command several times.
    Copies,
    /// Commands overtake each other.
    Order,
    /// The wall clock steps.
    Clock,
    /// States are stored in the form of an earlier build, and read again. Not of members.
    Upgrades,
    /// Of members: one stands still, and goes on later with its memory.
    Freezes,
    /// Of members: one claims for no reason, or leaves; the broker gives the commands to another one.
    Claims,
    /// Of members: a record of the journal is lost, arrives late or twice.
    Records,
    /// Of members: the journal loses its oldest records.
    Retention,
    /// Of members: the journal loses its newest records, down to what some disk has synced.
    Power,
}

impl Fault {
    /// All kinds.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;
}

impl Case {
    /// The case of a seed, with all faults.
    pub fn of_seed(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// The random numbers of the part `number` of the run, for this purpose. What one part draws changes no other part.
    pub(crate) fn random(&self, purpose: Purpose, number: u64) -> Random {
        // the finalizer of SplitMix64, so that neighbouring numbers give unrelated generators
        let mix = |value: u64| {
            let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            value ^ (value >> 31)
        };
        let golden = |value: u64| value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let seed = mix(golden(self.seed.wrapping_add(1)));
        Random::new(mix(seed ^ golden((number << 2) | purpose as u64)))
    }

    /// Whether faults of that kind may happen.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        !self.without.contains(&fault)
    }

    /// Whether the command with that number is published.
    pub(crate) fn publishes(&self, command: u32) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&command))
    }

    /// The arguments of `orderly simulate` for this case.
    pub fn arguments(&self) -> String {
        let mut text = format!("--seed {}", self.seed);
        if self.members > 0 {
            let _ = write!(text, " --members {}", self.members);
        }
        if let Some(commands) = self.commands {
            let _ = write!(text, " --commands {commands}");
        }
        if let Some(only) = &self.only {
            let _ = write!(text, " --only {}", list(only));
        }
        if !self.without.is_empty() {
            let _ = write!(text, " --without {}", list(&self.without));
        }
        text
    }
}

fn list<T: ToString>(items: &BTreeSet<T>) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The run.
    pub case: Case,
    /// What was found.
    pub what: String,
    /// The check that found it: its file and line.
    pub place: String,
    /// How many commands producers had made by then.
    pub commands: u32,
    /// The last steps before it.
    pub steps: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, after {} commands: {}", self.case.seed, self.commands, self.what)?;
        writeln!(f, "found by the check at {}", self.place)?;
        if !self.steps.is_empty() {
            writeln!(f, "the last steps before it:")?;
        }
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

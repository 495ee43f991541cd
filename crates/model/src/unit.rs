//! The result of one step of the shop.

use serde_json::Value;
use std::collections::BTreeSet;

/// The verdict on a message, as in the contract's chapter on verdicts.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// The command changed something.
    #[default]
    Applied,
    /// The same identity came before with the same data.
    Duplicate,
    /// The callback was overtaken by others; nothing changes.
    Stale,
    /// The callback's order is not known yet.
    Waiting,
    /// A business rule refused the command.
    Rejected,
    /// The callback is recorded; a person must decide.
    Review,
    /// The same identity came before with other data.
    Conflict,
    /// The message is no valid command.
    Invalid,
    /// The command failed, or there was no room for it.
    Failed,
}

impl Verdict {
    /// The contract's name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The result of a message, of a waiting callback or of a timer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    /// The order that the step was about.
    pub order: Option<String>,
    /// The verdict; `applied` for timers.
    pub verdict: Verdict,
    /// The reason of the contract why the command was not applied.
    pub reason: Option<&'static str>,
    /// The detail of `out_of_stock` and `not_allowed`, which the contract fixes; null for others.
    pub detail: Value,
    /// The types of the events.
    pub events: Vec<&'static str>,
    /// Details of some events beyond their type, one line each.
    pub facts: Vec<String>,
    /// Amount and currency of each `payment.refund_requested`.
    pub refunds_requested: Vec<(i64, String)>,
    /// The attempt of each `payment.void_requested`.
    pub voids_requested: Vec<String>,
}

impl Unit {
    /// Adds an event without details.
    pub(crate) fn event(&mut self, kind: &'static str) {
        self.events.push(kind);
    }

    /// Adds an event with details.
    pub(crate) fn event_with(&mut self, kind: &'static str, fact: String) {
        self.event(kind);
        self.facts.push(fact);
    }
}

/// The differences between two units, one line each. `product` is the unit of the processor.
///
/// The contract fixes the order of the events of one subject only for orders. Of the other events only their number counts.
pub fn differences(product: &Unit, model: &Unit) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, product: String, model: String| {
        if product != model {
            found.push(format!("{what}: the processor has {product}, the model {model}"));
        }
    };
    let verdict = |unit: &Unit| format!("{} {:?} {}", unit.verdict, unit.reason, unit.detail);
    if (product.verdict, product.reason) != (model.verdict, model.reason) {
        compare("verdict", verdict(product), verdict(model));
    }
    if !model.detail.is_null() {
        compare("detail", product.detail.to_string(), model.detail.to_string());
    }
    let sorted = |events: &[&'static str]| {
        let mut events = events.to_vec();
        events.sort_unstable();
        format!("{events:?}")
    };
    let of_order = |events: &[&'static str]| {
        let events = events.iter().filter(|kind| kind.starts_with("order."));
        format!("{:?}", events.collect::<Vec<_>>())
    };
    compare("events", sorted(&product.events), sorted(&model.events));
    compare("events of the order", of_order(&product.events), of_order(&model.events));
    let mut facts = [product.facts.clone(), model.facts.clone()];
    for facts in &mut facts {
        facts.sort_unstable();
    }
    let [of_product, of_model] = facts.map(|facts| format!("{facts:?}"));
    compare("what events say", of_product, of_model);
    let refunds = |unit: &Unit| format!("{:?}", unit.refunds_requested);
    compare("refunds requested", refunds(product), refunds(model));
    let voids = |unit: &Unit| format!("{:?}", unit.voids_requested);
    compare("voids requested", voids(product), voids(model));
    found
}

/// Every name in a unit, for tests that require all names to occur.
pub fn names(unit: &Unit) -> BTreeSet<&'static str> {
    let mut names = BTreeSet::from([unit.verdict.name()]);
    names.extend(unit.reason);
    names.extend(unit.events.iter().copied());
    names
}

/// The end of a command that is not applied.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ended {
    /// A business rule refused it.
    Rejected {
        reason: &'static str,
        detail: Value,
    },
    Duplicate,
    Conflict,
    Stale,
    Waiting,
    Review,
    Invalid(&'static str),
    Failed(&'static str),
}

/// `Ok` means that the command is applied.
pub(crate) type Outcome = Result<(), Ended>;

/// Refuses a command for a reason that needs no detail.
pub(crate) fn reject<T>(reason: &'static str) -> Result<T, Ended> {
    Err(Ended::Rejected { reason, detail: Value::Null })
}

impl Ended {
    /// Verdict, reason and detail.
    pub(crate) fn parts(self) -> (Verdict, Option<&'static str>, Value) {
        match self {
            Self::Rejected { reason, detail } => (Verdict::Rejected, Some(reason), detail),
            Self::Duplicate => (Verdict::Duplicate, None, Value::Null),
            Self::Conflict => (Verdict::Conflict, Some("conflict"), Value::Null),
            Self::Stale => (Verdict::Stale, None, Value::Null),
            Self::Waiting => (Verdict::Waiting, None, Value::Null),
            Self::Review => (Verdict::Review, None, Value::Null),
            Self::Invalid(reason) => (Verdict::Invalid, Some(reason), Value::Null),
            Self::Failed(reason) => (Verdict::Failed, Some(reason), Value::Null),
        }
    }
}

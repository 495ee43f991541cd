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
    /// The detail where the contract fixes it: of `out_of_stock`, of `not_allowed` (it begins with the status), and of a
    /// capture or an authorization of another order. Null for others.
    pub detail: Value,
    /// The paths of the fields of the command that are not known, sorted. The processor names at most 20.
    pub ignored: Vec<String>,
    /// The types of the events.
    pub events: Vec<&'static str>,
    /// Details of some events beyond their type, one line each.
    pub facts: Vec<String>,
    /// Each `payment.refund_requested`.
    pub refunds_requested: Vec<RefundRequested>,
    /// Provider and attempt of each `payment.void_requested`.
    pub voids_requested: Vec<(String, String)>,
    /// Provider, attempt, amount and currency of each `payment.capture_requested`.
    pub captures_requested: Vec<(String, String, i64, String)>,
}

/// A `payment.refund_requested`, but for the id of the refund: the processor derives those of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefundRequested {
    /// The part, from 1.
    pub part: i64,
    /// The number of parts of the refund.
    pub parts: i64,
    /// How many times the part was asked for, from 1.
    pub tries: i64,
    /// The provider that must give the money back.
    pub provider: String,
    /// The attempt that holds the money.
    pub attempt: String,
    /// The capture, if the attempt has only one and that one has an id.
    pub capture: Option<String>,
    /// The amount in minor units.
    pub amount: i64,
    /// The currency.
    pub currency: String,
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
    if is_same(product, model) {
        return found;
    }
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
        compare("detail", detail_of(product), detail_of(model));
    }
    compare("ignored", format!("{:?}", product.ignored), format!("{:?}", model.ignored));
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
    let mut voids = [product.voids_requested.clone(), model.voids_requested.clone()];
    for voids in &mut voids {
        voids.sort_unstable();
    }
    let [of_product, of_model] = voids.map(|voids| format!("{voids:?}"));
    compare("voids requested", of_product, of_model);
    let captures = |unit: &Unit| format!("{:?}", unit.captures_requested);
    compare("captures requested", captures(product), captures(model));
    found
}

/// Whether two units differ in nothing, but for the order, and a detail that the contract does not fix.
fn is_same(product: &Unit, model: &Unit) -> bool {
    let Unit { order: _, verdict, reason, detail, ignored, events, facts, .. } = product;
    let Unit { refunds_requested, voids_requested, captures_requested, .. } = product;
    (verdict, reason) == (&model.verdict, &model.reason)
        && (model.detail.is_null() || *detail == model.detail)
        && (ignored, events, facts) == (&model.ignored, &model.events, &model.facts)
        && *refunds_requested == model.refunds_requested
        && *voids_requested == model.voids_requested
        && *captures_requested == model.captures_requested
}

/// The part of a detail that the contract fixes: of `not_allowed` the first word, which is the status.
fn detail_of(unit: &Unit) -> String {
    match (unit.reason, unit.detail.as_str()) {
        (Some("not_allowed"), Some(text)) => {
            text.split([';', ' ']).next().unwrap_or_default().to_owned()
        }
        _ => unit.detail.to_string(),
    }
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
    /// The capture was counted for the other order that is named.
    CountedFor(String),
    /// The attempt belongs to the other order that is named.
    AttemptOf(String),
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
            Self::CountedFor(order) => {
                (Verdict::Stale, None, Value::from(format!("counted for order {order}")))
            }
            Self::AttemptOf(order) => {
                (Verdict::Stale, None, Value::from(format!("the attempt belongs to order {order}")))
            }
            Self::Waiting => (Verdict::Waiting, None, Value::Null),
            Self::Review => (Verdict::Review, None, Value::Null),
            Self::Invalid(reason) => (Verdict::Invalid, Some(reason), Value::Null),
            Self::Failed(reason) => (Verdict::Failed, Some(reason), Value::Null),
        }
    }
}

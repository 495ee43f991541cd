//! What a component has to say about its own settings: errors and doubts, all at once.

use super::duration::Duration;

/// A doubt about a value that is legal and yet probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The key it is about, such as `carts.expire_after`.
    pub key: &'static str,
    /// What looks wrong, and why.
    pub doubt: String,
}

/// Collects what the components find; the order is that of the sections.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) problems: Vec<(&'static str, String)>,
    pub(super) warnings: Vec<Warning>,
}

impl Report {
    /// An error unless `holds`.
    pub(super) fn require(&mut self, holds: bool, key: &'static str, what: impl Into<String>) {
        if !holds {
            self.problems.push((key, what.into()));
        }
    }

    /// A doubt unless `plausible`.
    pub(super) fn doubt_unless(
        &mut self,
        plausible: bool,
        key: &'static str,
        doubt: impl Into<String>,
    ) {
        if !plausible {
            self.warnings.push(Warning { key, doubt: doubt.into() });
        }
    }

    /// A doubt about a duration outside of what anyone would choose: mostly a slip of the unit,
    /// as when 365 days became 365 seconds and every cart was gone at lunch.
    pub(super) fn plausible(
        &mut self,
        key: &'static str,
        value: Duration,
        (shortest, longest): (Duration, Duration),
        consequence: &str,
    ) {
        let side = if value < shortest {
            format!("shorter than {shortest}")
        } else if value > longest {
            format!("longer than {longest}")
        } else {
            return;
        };
        let doubt = format!("{value} is {side}, is the unit meant? {consequence}");
        self.warnings.push(Warning { key, doubt });
    }
}

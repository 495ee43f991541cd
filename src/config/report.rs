//! The report of the rules of all sections: problems and warnings.

use super::duration::Duration;

/// A warning about a value that is valid but probably a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The key, such as `carts.expire_after`.
    pub key: &'static str,
    /// What is suspicious about the value, and what it leads to.
    pub doubt: String,
}

/// Collects problems and warnings, in the order of the sections.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) problems: Vec<(&'static str, String)>,
    pub(super) warnings: Vec<Warning>,
}

impl Report {
    /// Reports a problem unless `holds`.
    pub(super) fn require(&mut self, holds: bool, key: &'static str, what: impl Into<String>) {
        if !holds {
            self.problems.push((key, what.into()));
        }
    }

    /// Reports a warning unless `plausible`.
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

    /// Reports a warning about a duration outside of the range that anybody would choose. Mostly the unit is wrong: with 365
    /// seconds in place of 365 days all carts expire within minutes.
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
        let doubt = format!("{value} is {side}; is the unit right? {consequence}");
        self.warnings.push(Warning { key, doubt });
    }
}

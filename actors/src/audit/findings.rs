//! What an audit finds in single states, described for a person.

use orderly_store::{Ordinal, Table};
use std::collections::BTreeMap;

/// Entities that are described. Of further entities only the number is reported.
const DESCRIBED: usize = 100;

/// What is found in one entity.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What contradicts itself.
    pub(super) violations: Vec<String>,
    /// What a person must look at, though it is right.
    pub(super) attention: Vec<String>,
}

/// What is found in all entities that were read.
#[derive(Debug, Default)]
pub(super) struct Findings {
    violations: Described,
    attention: Described,
}

#[derive(Debug, Default)]
struct Described {
    texts: BTreeMap<(Table, Ordinal), Vec<String>>,
    undescribed: u64,
}

impl Findings {
    /// Records what is found in an entity.
    pub(super) fn include(&mut self, entity: (Table, Ordinal), found: Found) {
        self.violations.include(entity, found.violations);
        self.attention.include(entity, found.attention);
    }

    /// Drops what was found in an entity.
    pub(super) fn exclude(&mut self, entity: (Table, Ordinal), found: &Found) {
        self.violations.exclude(entity, &found.violations);
        self.attention.exclude(entity, &found.attention);
    }

    /// The texts of the violations, a last line about those that are not described, and the texts of what a person must
    /// look at.
    pub(super) fn close(self) -> (Vec<String>, Option<String>, Vec<String>) {
        let (violations, undescribed) = self.violations.close();
        let (mut attention, more) = self.attention.close();
        attention.extend(more.map(|more| format!("{more}: /api/attention has all")));
        (violations, undescribed, attention)
    }
}

impl Described {
    fn include(&mut self, entity: (Table, Ordinal), texts: Vec<String>) {
        if texts.is_empty() {
            return;
        }
        if self.texts.len() < DESCRIBED {
            self.texts.insert(entity, texts);
        } else {
            self.undescribed += 1;
        }
    }

    fn exclude(&mut self, entity: (Table, Ordinal), texts: &[String]) {
        if !texts.is_empty() && self.texts.remove(&entity).is_none() {
            self.undescribed = self.undescribed.saturating_sub(1);
        }
    }

    fn close(self) -> (Vec<String>, Option<String>) {
        let more = (self.undescribed > 0).then(|| format!("and {} more", self.undescribed));
        (self.texts.into_values().flatten().collect(), more)
    }
}

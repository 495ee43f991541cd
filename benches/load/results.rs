//! The file of all figures. A scenario replaces its own part, so that the long ones can be measured one at a time.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::scenario::{
    compare::Compared, growth::Growth, latency::Latency, skew::Skew, soak::Soak, standby::Standby,
    unbound::Unbound,
};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Results {
    pub(crate) relay: Option<Compared>,
    pub(crate) defaults: Option<Compared>,
    pub(crate) unbound: Option<Unbound>,
    pub(crate) latency: Option<Latency>,
    pub(crate) growth: Option<Growth>,
    pub(crate) skew: Option<Skew>,
    pub(crate) soak: Option<Soak>,
    pub(crate) standby: Option<Standby>,
}

impl Results {
    /// What was measured before; nothing when there is no such file.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Ok(Self::default());
        }
        serde_json::from_str(&fs::read_to_string(path)?)
            .with_context(|| format!("{} is of another version of this bench: remove it, or name another file with --results", path.display()))
    }

    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, serde_json::to_string_pretty(self)? + "\n")
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The middle of some values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.is_empty() {
        f64::NAN
    } else if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}

/// A count that was computed as a fraction, or read from an exposition.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are small and not negative"
)]
pub(crate) fn whole(value: f64) -> u64 {
    value.round() as u64
}

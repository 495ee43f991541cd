//! The check of `expected_version`, which commands on carts, stock and orders have: whoever decided on what has changed
//! since is refused.

use crate::verdict::{Reason, Refusal};

/// Refuses a version that is not the expected one. What does not exist has version 0.
pub fn check(version: u64, expected: Option<u64>) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != version => {
            Err(Refusal::with(Reason::VersionMismatch, format!("the version is {version}")))
        }
        Some(_) | None => Ok(()),
    }
}

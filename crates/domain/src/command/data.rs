//! What the data of every command have in common: how they are decoded and checked, and what makes them invalid.

use super::decode_error::{self, Wrong};
use crate::subject::Subject;
use crate::verdict::Reason;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Most lines of an order or a cart.
pub const MOST_LINES: usize = 500;

/// Why a command is invalid: `reason` for machines, `detail` names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{}: {detail}", reason.as_str())]
pub struct Invalid {
    /// `malformed` or `validation` here; the door adds the others.
    pub reason: Reason,
    /// What is wrong, beginning with the field's name.
    pub detail: String,
}

impl Invalid {
    /// Data that says something impossible of `field`.
    pub fn field(field: &str, problem: impl std::fmt::Display) -> Self {
        Self { reason: Reason::Validation, detail: format!("{field}: {problem}") }
    }

    /// No JSON, or no envelope.
    pub fn malformed(problem: impl std::fmt::Display) -> Self {
        Self { reason: Reason::Malformed, detail: problem.to_string() }
    }
}

/// A command's data: decoded by its fields, then checked as a whole.
pub(super) trait Data: DeserializeOwned {
    /// What the command is about.
    fn subject(&self) -> Subject;

    /// Checks what no single field can know.
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }
}

pub(super) fn parse<T: Data>(data: &[u8]) -> Result<T, Invalid> {
    if !decode_error::is_object(data) {
        return Err(explain::<T>(data));
    }
    match serde_json::from_slice::<T>(data) {
        Ok(parsed) => parsed.check().map(|()| parsed),
        Err(_) => Err(explain::<T>(data)),
    }
}

fn explain<T: Data>(data: &[u8]) -> Invalid {
    match decode_error::look::<T>(data) {
        Some(Wrong::Syntax { problem, line, column }) => {
            Invalid::malformed(format_args!("not JSON: {problem} (line {line}, column {column})"))
        }
        Some(Wrong::Shape { field, problem }) if field.is_empty() => {
            Invalid { reason: Reason::Validation, detail: format!("the data {problem}") }
        }
        Some(Wrong::Shape { field, problem }) => Invalid::field(&field, problem),
        None => Invalid::malformed("it cannot be read"), // it was not read just before
    }
}

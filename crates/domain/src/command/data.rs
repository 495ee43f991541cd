//! Decoding and checking the data of any command, and the error of invalid data.

use super::decode_error::{self, Wrong};
use super::unknown_fields;
use crate::ignored::Ignored;
use crate::partition::Ids;
use crate::subject::Subject;
use crate::verdict::Reason;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The most lines of an order or a cart.
pub const MOST_LINES: usize = 500;

/// Why a command is invalid: `reason` is for programs, `detail` for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{}: {detail}", reason.as_str())]
pub struct Invalid {
    /// `malformed` or `validation` in this crate. The decoding of messages (`src/decode.rs`) adds other reasons.
    pub reason: Reason,
    /// What is wrong. It begins with the name of the field, if one field is wrong.
    pub detail: String,
}

impl Invalid {
    /// The error of a field with an invalid value.
    pub fn field(field: &str, problem: impl std::fmt::Display) -> Self {
        Self { reason: Reason::Validation, detail: format!("{field}: {problem}") }
    }

    /// Stands for what is wrong with a message until the message is read.
    pub const fn unread() -> Self {
        Self { reason: Reason::Malformed, detail: String::new() }
    }

    /// The error of a message that is not JSON, or has no valid envelope.
    pub fn malformed(problem: impl std::fmt::Display) -> Self {
        Self { reason: Reason::Malformed, detail: problem.to_string() }
    }
}

/// The data of a command. The fields are decoded first, then the data are checked as a whole.
pub(super) trait Data: DeserializeOwned {
    /// What the command is about.
    fn subject(&self) -> Subject;

    /// Names every order, cart and sku id.
    fn ids<'a>(&'a self, ids: &mut Ids<'a>);

    /// Checks rules that involve several fields.
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }

    /// Improves the explanation of a field that cannot be decoded, where it depends on another field of `data`.
    fn explain(field: &str, problem: String, data: &[u8]) -> String {
        let _ = (field, data);
        problem
    }
}

/// Decodes and checks data, and names the fields that are not known.
pub(super) fn decode<T: Data>(data: &[u8]) -> Result<(T, Ignored), Invalid> {
    if !decode_error::is_object(data) {
        return Err(explain::<T>(data));
    }
    match unknown_fields::decode::<T>(data) {
        Ok((decoded, ignored)) => decoded.check().map(|()| (decoded, ignored)),
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
        Some(Wrong::Shape { field, problem }) => {
            let problem = T::explain(&field, problem, data);
            Invalid::field(&field, problem)
        }
        None => Invalid::malformed("it cannot be read"), // not reached: decoding failed just before
    }
}

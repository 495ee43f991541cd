//! How the program ends; scripts and service managers tell the cases apart by the code.

use std::error::Error;
use std::process::ExitCode;

use crate::{config, telemetry};

/// The ways to end. Numbers from 64 on are those of `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All went as it should.
    Success = 0,
    /// Something failed, and none of the other codes says what.
    Failure = 1,
    /// The command line makes no sense; `clap` ends with this one by itself.
    Usage = 2,
    /// The store failed, at the start or later. Starting again may help, fixing the disk does.
    Storage = 74,
    /// Another processor has the namespace. Starting again later helps.
    Taken = 75,
    /// The configuration is wrong. Starting again does not help.
    Configuration = 78,
}

impl Exit {
    /// The code for an error, by the first of its causes that has one.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(exit) = Self::of_cause(error) {
                return exit;
            }
            cause = error.source();
        }
        Self::Failure
    }

    fn of_cause(cause: &(dyn Error + 'static)) -> Option<Self> {
        use crate::pipeline;
        use orderly_broker::rabbit;
        use orderly_store as store;
        if cause.is::<config::Error>() || cause.is::<telemetry::Error>() {
            return Some(Self::Configuration);
        }
        if let Some(super::store::Error::Missing(_)) = cause.downcast_ref() {
            return Some(Self::Storage);
        }
        if let Some(error) = cause.downcast_ref::<store::Error>() {
            return Some(match error {
                store::Error::WrongNamespace { .. } => Self::Configuration,
                _ => Self::Storage,
            });
        }
        if let Some(error) = cause.downcast_ref::<pipeline::Error>()
            && error.is_storage()
        {
            return Some(Self::Storage);
        }
        match cause.downcast_ref::<rabbit::Error>()? {
            rabbit::Error::Held(_) => Some(Self::Taken),
            rabbit::Error::Url(_) | rabbit::Error::CaFile { .. } => Some(Self::Configuration),
            _ => None,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot serve")]
    struct Wrapped(#[source] config::Error);

    #[test]
    fn an_error_ends_with_the_code_of_its_cause() {
        let error = Wrapped(config::Error::Invalid(Vec::new()));
        assert_eq!(Exit::of(&error), Exit::Configuration);
        assert_eq!(Exit::of(&io::Error::other("anything else")), Exit::Failure);
    }
}

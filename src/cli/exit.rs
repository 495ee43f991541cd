//! The exit codes of the program. Scripts and service managers act on them.

use std::error::Error;
use std::process::ExitCode;

use crate::{config, telemetry};

/// An exit code. The numbers from 64 on are those of `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The command did what it was asked to do.
    Success = 0,
    /// The command failed for a reason without a code of its own.
    Failure = 1,
    /// The command line is wrong. `clap` ends the program with this code, and so does a command that lacks an option which the
    /// configuration makes necessary.
    Usage = 2,
    /// A check of `orderly simulate` failed: the program has a bug.
    Violation = 70,
    /// The store failed, at the start or later. A restart may help; otherwise the disk has to be mended.
    Storage = 74,
    /// Another processor owns the namespace. A later start helps.
    Taken = 75,
    /// Another member of the cluster owns the journal, or the store and the journal do not go together. Nothing was changed. A
    /// restart makes a member that was fenced a standby.
    Superseded = 76,
    /// The configuration is wrong, the store is of a build that this one cannot read, or there is no store where there was one.
    /// A restart does not help.
    Configuration = 78,
}

impl Exit {
    /// The code for an error: that of the first error in its chain of causes that has one.
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
        use crate::{pipeline, process};
        use orderly_broker::rabbit;
        use orderly_store as store;
        if cause.is::<config::Error>() || cause.is::<telemetry::Error>() {
            return Some(Self::Configuration);
        }
        if let Some(
            process::Error::NoStore(_)
            | process::Error::Mark { .. }
            | process::Error::HasPartitions { .. }
            | process::Error::HasNoPartitions { .. }
            | process::Error::HasOtherJournal { .. },
        ) = cause.downcast_ref()
        {
            return Some(Self::Configuration);
        }
        if let Some(process::Error::SteppedDown | process::Error::HasJournal { .. }) =
            cause.downcast_ref()
        {
            return Some(Self::Superseded);
        }
        if let Some(process::Error::Panicked { .. }) = cause.downcast_ref() {
            return Some(Self::Storage);
        }
        match cause.downcast_ref() {
            Some(super::store::Error::Missing(_)) => return Some(Self::Storage),
            Some(super::store::Error::WhichPartition(_) | super::store::Error::NoFolder) => {
                return Some(Self::Usage);
            }
            Some(_) | None => {}
        }
        if let Some(error) = cause.downcast_ref::<crate::backup::Error>() {
            use crate::backup::Error;
            return match error {
                Error::Missing(_)
                | Error::Incomplete(_)
                | Error::Damaged { .. }
                | Error::Records { .. }
                | Error::Ends { .. } => Some(Self::Storage),
                Error::Newer { .. } => Some(Self::Configuration),
                // a store that failed says more
                _ => None,
            };
        }
        if let Some(error) = cause.downcast_ref::<crate::export::Error>() {
            use crate::export::Error;
            return match error {
                Error::Line { .. } | Error::Incomplete | Error::Changed => Some(Self::Storage),
                Error::Newer { .. } => Some(Self::Configuration),
                _ => None,
            };
        }
        if let Some(error) = cause.downcast_ref::<store::Error>() {
            return Some(match error {
                store::Error::WrongNamespace { .. }
                | store::Error::WrongPartition { .. }
                | store::Error::NewerFormat { .. }
                | store::Error::OlderFormat { .. }
                | store::Error::UnknownTable { .. } => Self::Configuration,
                _ => Self::Storage,
            });
        }
        if let Some(error) = cause.downcast_ref::<pipeline::Error>() {
            if let pipeline::Error::Fenced { .. } | pipeline::Error::Refused(_) = error {
                return Some(Self::Superseded);
            }
            if error.is_storage() {
                return Some(Self::Storage);
            }
        }
        match cause.downcast_ref::<rabbit::Error>()? {
            rabbit::Error::Held(_) => Some(Self::Taken),
            rabbit::Error::Url(_) | rabbit::Error::CaFile { .. } => Some(Self::Configuration),
            _ => None,
        }
    }
}

impl From<super::store::Outcome> for Exit {
    fn from(outcome: super::store::Outcome) -> Self {
        match outcome {
            super::store::Outcome::Sound => Self::Success,
            super::store::Outcome::Unbalanced => Self::Failure,
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

    #[test]
    fn a_member_that_was_fenced_or_refused_ends_with_a_code_of_its_own() {
        use crate::{pipeline, process};
        let fenced = pipeline::Error::Fenced { epoch: 7, by: "other".to_owned() };
        assert_eq!(fenced.to_string(), "fenced: other owns the journal (epoch 7)");
        assert_eq!(Exit::of(&process::Error::Pipeline(fenced)), Exit::Superseded);
        let refused = pipeline::Error::Refused(orderly_journal::Refusal::Gone);
        assert_eq!(Exit::of(&process::Error::Pipeline(refused)), Exit::Superseded);
        assert_eq!(Exit::of(&pipeline::Error::DiskStalled), Exit::Storage);
        assert_eq!(Exit::of(&pipeline::Error::JournalStalled), Exit::Failure);
        assert_eq!(Exit::Superseded as u8, 76);
    }

    #[test]
    fn a_store_of_another_build_is_a_configuration_error_and_a_damaged_one_a_storage_error() {
        use orderly_store::{Error, FormatPart};
        let newer = Error::NewerFormat { part: FormatPart::Store, found: 5, known: 4 };
        assert_eq!(
            newer.to_string(),
            "the store was written by a newer build (format 5, this build knows 4)"
        );
        assert_eq!(Exit::of(&newer), Exit::Configuration);
        assert_eq!(Exit::of(&Error::OlderFormat { found: 2, oldest: 4 }), Exit::Configuration);
        let damaged = Error::Version { what: "page", found: 5, known: 4 };
        assert_eq!(Exit::of(&damaged), Exit::Storage);
    }
}

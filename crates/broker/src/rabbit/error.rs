//! What can go wrong with `RabbitMQ`.

use std::{io, path::PathBuf};

use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};

use super::{
    super::{Failure, FailureKind, tasks::Panicked},
    connect_error::ConnectError,
    endpoint::Address,
};

/// A failure of the broker side.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `broker.url` is no AMQP URL. The URL is left out, as it may hold a password.
    #[error("invalid broker url: {0}")]
    Url(String),
    /// `broker.ca_file` cannot be read.
    #[error("cannot read certificate authorities from {path}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no connection.
    #[error("cannot connect to the broker at {address}")]
    Connect {
        /// Where it was tried.
        address: Address,
        /// Which step failed, and why.
        #[source]
        cause: ConnectError,
    },
    /// The broker did not answer in time.
    #[error("the broker did not answer in time while {0}")]
    Timeout(&'static str),
    /// Another processor holds the exclusive queue.
    #[error("another processor holds {0}")]
    Held(String),
    /// A queue or exchange does not exist.
    #[error("{0} does not exist")]
    Missing(String),
    /// The broker refuses to make or use a queue or exchange.
    #[error("cannot declare {name}")]
    Declare {
        /// The queue, exchange or binding.
        name: String,
        /// The broker's answer; for changed arguments it names the argument and both values.
        source: lapin::Error,
    },
    /// A channel or connection that was in use broke.
    #[error("the channel to the broker broke")]
    Channel(#[source] lapin::Error),
    /// The broker ended the consumer, as when its queue is deleted.
    #[error("the broker cancelled the consumer")]
    Cancelled,
    /// The messages were left to another consumer, as asked for.
    #[error("the messages were left to another consumer")]
    PassedOn,
    /// A command that lapin cannot read could not be moved to the dead letters.
    #[error("cannot move an unreadable command to the dead letters")]
    Raw(#[source] io::Error),
    /// A connection closed without giving a reason.
    #[error("the connection to the broker closed")]
    Closed,
    /// A connection did not end although its socket was shut down. The process should end, as
    /// nothing else is sure to end the rest of that connection.
    #[error("a connection to the broker at {address} did not end")]
    Unclosed {
        /// Where it led.
        address: Address,
    },
    /// A task of the driver panicked. The driver ends, and the process should too.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

impl Error {
    /// The failure as readiness shows it, with the broker's address in front.
    pub(super) fn failure(&self, address: &Address) -> Failure {
        let detail = match self {
            // These name the address themselves.
            Self::Connect { .. } | Self::Unclosed { .. } => chain(self),
            // The broker has no part in this.
            Self::Panicked(_) => self.to_string(),
            _ => format!("broker at {address}: {}", chain(self)),
        };
        Failure { kind: self.kind(), detail }
    }

    fn kind(&self) -> FailureKind {
        match self {
            Self::Connect { cause, .. } => cause.kind(),
            Self::Timeout(_) => FailureKind::TimedOut,
            Self::Held(_) => FailureKind::NamespaceHeld,
            Self::Missing(_) | Self::Declare { .. } => FailureKind::Topology,
            Self::Panicked(_) => FailureKind::DriverPanicked,
            Self::Url(_)
            | Self::CaFile { .. }
            | Self::Channel(_)
            | Self::Cancelled
            | Self::PassedOn
            | Self::Raw(_)
            | Self::Closed
            | Self::Unclosed { .. } => FailureKind::ConnectionLost,
        }
    }

    /// True when lapin gave up because it could not read what the broker sent.
    pub(super) fn is_unreadable(&self) -> bool {
        matches!(self, Self::Channel(error) if matches!(error.kind(), lapin::ErrorKind::ParsingError(_)))
    }
}

/// The broker's soft errors that are answers rather than failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    NotFound,
    Locked,
    Precondition,
    AccessRefused,
    Other,
}

/// Which refusal an error of lapin's is.
pub(crate) fn refusal(error: &lapin::Error) -> Refusal {
    let lapin::ErrorKind::ProtocolError(error) = error.kind() else {
        return Refusal::Other;
    };
    match error.kind() {
        AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) => Refusal::NotFound,
        AMQPErrorKind::Soft(AMQPSoftError::RESOURCELOCKED) => Refusal::Locked,
        AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => Refusal::Precondition,
        AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED)
        | AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => Refusal::AccessRefused,
        _ => Refusal::Other,
    }
}

/// Logs a failure that comes again with every attempt only once.
#[derive(Debug, Default)]
pub(super) struct LogOnce(Option<String>);

impl LogOnce {
    /// True when `failure` is another one than the last, so that it should be logged.
    pub(super) fn is_new(&mut self, failure: &Failure) -> bool {
        let is_new = self.0.as_ref() != Some(&failure.detail);
        self.0 = Some(failure.detail.clone());
        is_new
    }

    /// After a success every failure is new.
    pub(super) fn reset(&mut self) {
        self.0 = None;
    }
}

/// An error and all its sources in one line, for the log and for status pages.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        // lapin repeats its source's text in its own.
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        source = error.source();
    }
    line
}

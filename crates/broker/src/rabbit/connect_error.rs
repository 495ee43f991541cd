//! Why a connection could not be made: the causes that a person would mend differently.
//!
//! Invariant: no text here holds a user name or a password.

use std::{io, time::Duration};

use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};

use super::super::FailureKind;

/// The step that failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The host name has no address, or no name server answered.
    #[error("the host name cannot be resolved")]
    Resolve(#[source] io::Error),
    /// The host answers, but nothing listens on the port.
    #[error("the connection was refused")]
    Refused,
    /// The host cannot be reached.
    #[error("the host cannot be reached")]
    Unreachable(#[source] io::Error),
    /// The host did not answer in time.
    #[error("the host did not answer within {0:?}")]
    TcpTimeout(Duration),
    /// TLS: an unknown authority, another name in the certificate, or no TLS on that port.
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    /// The broker accepted the connection and then said nothing, or not enough.
    #[error("the broker did not finish the handshake within {0:?}")]
    HandshakeTimeout(Duration),
    /// User name or password are wrong.
    #[error("the broker refused the login")]
    LoginRefused,
    /// The virtual host of the URL does not exist.
    #[error("the virtual host {0:?} does not exist")]
    VhostMissing(String),
    /// The user has no rights on the virtual host of the URL.
    #[error("the broker refused the user access to the virtual host {0:?}")]
    VhostRefused(String),
    /// Anything else in the AMQP handshake: a limit of connections, or a peer that is no broker.
    #[error("the AMQP handshake failed")]
    Handshake(#[source] lapin::Error),
}

impl ConnectError {
    /// Tells refusals of the AMQP handshake apart. `vhost` is the one asked for.
    pub(super) fn of_handshake(error: lapin::Error, vhost: &str) -> Self {
        let lapin::ErrorKind::ProtocolError(answer) = error.kind() else {
            return Self::Handshake(error);
        };
        let text = answer.get_message().as_str();
        match answer.kind() {
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => Self::LoginRefused,
            // RabbitMQ has one code for all that it does not allow; its words tell them apart.
            AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) if text.contains("not found") => {
                Self::VhostMissing(vhost.to_owned())
            }
            AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) if text.contains("access to vhost") => {
                Self::VhostRefused(vhost.to_owned())
            }
            _ => Self::Handshake(error),
        }
    }

    pub(super) fn kind(&self) -> FailureKind {
        match self {
            Self::Resolve(_) => FailureKind::UnresolvedHost,
            Self::Refused => FailureKind::ConnectionRefused,
            Self::Unreachable(_) => FailureKind::Unreachable,
            Self::TcpTimeout(_) | Self::HandshakeTimeout(_) => FailureKind::TimedOut,
            Self::Tls(_) => FailureKind::Tls,
            Self::LoginRefused => FailureKind::LoginRefused,
            Self::VhostMissing(_) => FailureKind::VhostMissing,
            Self::VhostRefused(_) => FailureKind::VhostRefused,
            Self::Handshake(_) => FailureKind::Handshake,
        }
    }
}

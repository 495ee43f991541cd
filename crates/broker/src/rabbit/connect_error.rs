//! Why a connection could not be made: the causes that a person would mend differently.
//!
//! Invariant: no text here holds a user name or a password.

use std::{io, time::Duration};

use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};

use super::{super::FailureKind, peer::Peer};

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
    /// TLS: an unknown authority, or another name in the certificate.
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    /// The answer to the beginning of the TLS handshake was not of TLS.
    #[error("what answers there does not speak TLS: a URL without TLS begins with amqp://")]
    NoTls,
    /// The connection was accepted, and the TLS handshake not finished.
    #[error(
        "what listens there did not finish the TLS handshake within {0:?}: it expects no TLS, or it is overloaded"
    )]
    TlsTimeout(Duration),
    /// The connection was accepted, and then nothing was said, or not enough.
    #[error(
        "what listens there did not finish the AMQP handshake within {0:?}: it is no AMQP broker, or it is overloaded"
    )]
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
    /// No AMQP broker answers there.
    #[error("{0}")]
    NoBroker(Peer),
    /// Anything else in the AMQP handshake, such as a limit of connections.
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

    /// Tells a peer without TLS apart. rustls reads its answer as a damaged record.
    pub(super) fn of_tls(error: io::Error) -> Self {
        if error.to_string().contains("corrupt message") { Self::NoTls } else { Self::Tls(error) }
    }

    pub(super) fn kind(&self) -> FailureKind {
        match self {
            Self::Resolve(_) => FailureKind::UnresolvedHost,
            Self::Refused => FailureKind::ConnectionRefused,
            Self::Unreachable(_) => FailureKind::Unreachable,
            Self::TcpTimeout(_) | Self::HandshakeTimeout(_) | Self::TlsTimeout(_) => {
                FailureKind::TimedOut
            }
            Self::Tls(_) | Self::NoTls | Self::NoBroker(Peer::Tls) => FailureKind::Tls,
            Self::LoginRefused => FailureKind::LoginRefused,
            Self::VhostMissing(_) => FailureKind::VhostMissing,
            Self::VhostRefused(_) => FailureKind::VhostRefused,
            Self::NoBroker(Peer::Http | Peer::OtherVersion | Peer::Other(_) | Peer::Closed) => {
                FailureKind::NoBroker
            }
            Self::Handshake(_) => FailureKind::Handshake,
        }
    }
}

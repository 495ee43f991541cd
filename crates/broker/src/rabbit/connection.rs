//! A connection that is sure to end.
//!
//! Invariant: a [`Connection`] that is closed or dropped has no socket any more, so it answers no
//! heartbeat and holds no exclusive queue and no consumer, even while parts of lapin still hold it.

use std::{
    io,
    ops::Deref,
    sync::{Mutex, PoisonError},
};

use lapin::{Channel, ConnectionProperties};
use tokio::{sync::watch, time::timeout};

use super::{
    Error,
    connect_error::ConnectError,
    dial::{SocketGuard, dial},
    endpoint::{Address, Endpoint},
    limits::{self, with_timeout},
    peer,
};

/// An open connection to the broker.
#[derive(Debug)]
pub(crate) struct Connection {
    amqp: lapin::Connection,
    ending: Ending,
}

/// Makes sure of the end of a connection, from its first byte on.
#[derive(Debug)]
struct Ending {
    address: Address,
    socket: SocketGuard,
    /// Its sender is dropped with lapin's thread, which owns the stream.
    thread: watch::Receiver<()>,
}

impl Connection {
    /// Connects once; `name` shows in the broker's list of connections.
    ///
    /// An attempt that fails or is dropped leaves no connection behind.
    pub(crate) async fn open(endpoint: &Endpoint, name: String) -> Result<Self, Error> {
        let address = endpoint.address();
        let failed = |cause| Error::Connect { address: address.clone(), cause };
        let (stream, socket) = dial(endpoint).await.map_err(failed)?;
        let (running, thread) = watch::channel(());
        let ending = Ending { address: address.clone(), socket, thread };
        let runtime = lapin::runtime::default_runtime()
            .map_err(|error| failed(ConnectError::Handshake(error)))?;
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let stream = Mutex::new(Some(stream));
        // lapin asks for a second stream when the first ends before the broker said anything; it
        // gets none, so that there is one socket a connection.
        let once = async move |_, _| {
            let _thread_runs = &running;
            let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
            stream.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionAborted).into())
        };
        let uri = endpoint.uri.clone();
        let handshake = lapin::Connection::connector(uri, runtime, once, properties);
        let cause = match timeout(limits::HANDSHAKE, handshake).await {
            Ok(Ok(amqp)) => return Ok(Self { amqp, ending }),
            Ok(Err(error)) => ConnectError::of_handshake(error, &endpoint.uri.vhost),
            Err(_) => ConnectError::HandshakeTimeout(limits::HANDSHAKE),
        };
        ending.force().await?;
        let cause = match cause {
            ConnectError::Handshake(error) => match peer::identify(endpoint).await {
                Some(peer) => ConnectError::NoBroker(peer),
                None => ConnectError::Handshake(error),
            },
            known => known,
        };
        Err(failed(cause))
    }

    /// Opens a channel.
    pub(crate) async fn open_channel(&self) -> Result<Channel, Error> {
        with_timeout("opening a channel", self.amqp.create_channel()).await?.map_err(Error::Channel)
    }

    /// Closes in order if the broker answers in time, and ends the socket in any case.
    ///
    /// [`Error::Unclosed`] says that lapin's thread goes on without a socket; the process should
    /// end then.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        let closing = self.amqp.close(200, "bye".into());
        // Whether or not the broker answered: the socket ends next.
        let _ = timeout(limits::CLOSE, closing).await;
        self.ending.force().await
    }
}

impl Deref for Connection {
    type Target = lapin::Connection;

    fn deref(&self) -> &lapin::Connection {
        &self.amqp
    }
}

impl Ending {
    /// Ends the socket, and waits until lapin's thread has seen that.
    async fn force(&self) -> Result<(), Error> {
        self.socket.shut_down();
        let mut thread = self.thread.clone();
        // No value is ever sent: the loop ends when the sender is dropped.
        let ended = async { while thread.changed().await.is_ok() {} };
        timeout(limits::THREAD_END, ended)
            .await
            .map_err(|_| Error::Unclosed { address: self.address.clone() })
    }
}

/// Closes all of `connections` at the same time; returns the first failure.
pub(crate) async fn close_all<const N: usize>(connections: [&Connection; N]) -> Result<(), Error> {
    let closing = connections.into_iter().map(Connection::close);
    futures_util::future::join_all(closing).await.into_iter().collect()
}

/// What lapin reports about a connection.
pub(super) type Events = std::pin::Pin<Box<dyn futures_util::Stream<Item = lapin::Event> + Send>>;

/// Listens to a connection from now on.
pub(super) fn events(connection: &Connection) -> Events {
    Box::pin(connection.events_listener())
}

#[cfg(test)]
mod tests {
    use tokio::{net::TcpStream, time::Instant};

    use super::*;
    use crate::Settings;

    async fn ending() -> (Ending, watch::Sender<()>) {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let settings = Settings::for_test("amqp://u:hunter2@h:5");
        let address = Endpoint::new(&settings).unwrap().address();
        let (running, thread) = watch::channel(());
        let socket = SocketGuard::new(&stream).unwrap();
        (Ending { address, socket, thread }, running)
    }

    #[tokio::test(start_paused = true)]
    async fn a_thread_that_goes_on_is_an_error_within_the_limit() {
        let (ending, running) = ending().await;
        let started = Instant::now();
        let error = ending.force().await.unwrap_err();
        assert!(started.elapsed() <= limits::THREAD_END + limits::CLOSE);
        assert!(matches!(error, Error::Unclosed { .. }));
        assert_eq!(error.to_string(), "a connection to the broker at h:5 did not end");

        drop(running);
        assert!(ending.force().await.is_ok());
    }
}

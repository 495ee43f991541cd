//! A TCP proxy in front of a broker. A test can let the proxy drop the answers of the broker on channels. The connections stay open:
//! heartbeats and the end of a connection pass. A broker whose queue has no leader behaves so. The proxy can also cut all
//! connections, or hold back everything in both directions for a while, as a network does.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::{AbortHandle, JoinHandle},
};

/// Type, channel and size of an AMQP frame.
const FRAME_HEADER: usize = 7;

/// Set for a connection whose channels get no answers.
type Silenced = Arc<AtomicBool>;

pub(crate) struct Proxy {
    address: SocketAddr,
    connections: Arc<Mutex<Vec<Silenced>>>,
    forwarders: Forwarders,
    held: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// The tasks that forward bytes. Ending one closes its connection.
type Forwarders = Arc<Mutex<Vec<AbortHandle>>>;

impl Proxy {
    /// Listens on a port of its own for connections to `broker`.
    pub(crate) async fn start(broker: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let connections: Arc<Mutex<Vec<Silenced>>> = Arc::default();
        let (held, holding) = watch::channel(false);
        let forwarders = Forwarders::default();
        let seen =
            Seen { connections: Arc::clone(&connections), forwarders: Arc::clone(&forwarders) };
        let accepting = tokio::spawn(accept(listener, broker, seen, holding));
        Self { address, connections, forwarders, held, accepting }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on the channels of the existing connections get no answers. Those of later connections do.
    pub(crate) fn silence_channels(&self) {
        let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        for silenced in connections.iter() {
            silenced.store(true, Ordering::SeqCst);
        }
    }

    /// Ends all connections that there are.
    pub(crate) fn cut(&self) {
        for task in self.forwarders.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }

    /// Holds back all bytes, or lets those that were held back go on. No connection ends by it.
    pub(crate) fn hold(&self, hold: bool) {
        self.held.send_replace(hold);
    }
}

/// What the proxy keeps of its connections.
struct Seen {
    connections: Arc<Mutex<Vec<Silenced>>>,
    forwarders: Forwarders,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    broker: SocketAddr,
    seen: Seen,
    holding: watch::Receiver<bool>,
) {
    while let Ok((client, _)) = listener.accept().await {
        // Without a broker the client's connection is closed at once.
        let Ok(server) = TcpStream::connect(broker).await else {
            continue;
        };
        let silenced = Silenced::default();
        let mut connections = seen.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.push(Arc::clone(&silenced));
        drop(connections);
        let (mut from_client, to_client) = client.into_split();
        let (from_server, mut to_server) = server.into_split();
        let requests_holding = holding.clone();
        let requests = tokio::spawn(async move {
            forward_requests(&mut from_client, &mut to_server, requests_holding).await;
            let _ = to_server.shutdown().await;
        });
        let answers =
            tokio::spawn(forward_answers(from_server, to_client, silenced, holding.clone()));
        let mut forwarders = seen.forwarders.lock().unwrap_or_else(PoisonError::into_inner);
        forwarders.extend([requests.abort_handle(), answers.abort_handle()]);
    }
}

/// Forwards bytes as they come, until one end closes.
async fn forward_requests(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    mut holding: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        pass(&mut holding).await;
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

/// Waits while everything is held back.
async fn pass(holding: &mut watch::Receiver<bool>) {
    // without the proxy nothing is held back
    let _ = holding.wait_for(|held| !held).await;
}

/// Forwards frame by frame, until one end closes.
async fn forward_answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    silenced: Silenced,
    mut holding: watch::Receiver<bool>,
) {
    let mut header = [0; FRAME_HEADER];
    while from.read_exact(&mut header).await.is_ok() {
        let [_, c0, c1, s0, s1, s2, s3] = header;
        let size = u32::from_be_bytes([s0, s1, s2, s3]) as usize;
        // An end mark follows the payload.
        let mut rest = vec![0; size + 1];
        if from.read_exact(&mut rest).await.is_err() {
            break;
        }
        pass(&mut holding).await;
        if silenced.load(Ordering::SeqCst) && u16::from_be_bytes([c0, c1]) != 0 {
            continue;
        }
        if to.write_all(&[&header[..], &rest].concat()).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

//! A TCP proxy in front of a broker. A test can let the proxy drop the answers of the broker on channels. The connections stay open:
//! heartbeats and the end of a connection pass. A broker whose queue has no leader behaves so.
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
    task::JoinHandle,
};

/// Type, channel and size of an AMQP frame.
const FRAME_HEADER: usize = 7;

/// Set for a connection whose channels get no answers.
type Silenced = Arc<AtomicBool>;

pub(crate) struct Proxy {
    address: SocketAddr,
    connections: Arc<Mutex<Vec<Silenced>>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a port of its own for connections to `broker`.
    pub(crate) async fn start(broker: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let connections: Arc<Mutex<Vec<Silenced>>> = Arc::default();
        let accepting = tokio::spawn(accept(listener, broker, Arc::clone(&connections)));
        Self { address, connections, accepting }
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
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, broker: SocketAddr, connections: Arc<Mutex<Vec<Silenced>>>) {
    while let Ok((client, _)) = listener.accept().await {
        // Without a broker the client's connection is closed at once.
        let Ok(server) = TcpStream::connect(broker).await else {
            continue;
        };
        let silenced = Silenced::default();
        connections.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&silenced));
        let (mut from_client, to_client) = client.into_split();
        let (from_server, mut to_server) = server.into_split();
        tokio::spawn(async move {
            let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
            let _ = to_server.shutdown().await;
        });
        tokio::spawn(forward_answers(from_server, to_client, silenced));
    }
}

/// Forwards frame by frame, until one end closes.
async fn forward_answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, silenced: Silenced) {
    let mut header = [0; FRAME_HEADER];
    while from.read_exact(&mut header).await.is_ok() {
        let [_, c0, c1, s0, s1, s2, s3] = header;
        let size = u32::from_be_bytes([s0, s1, s2, s3]) as usize;
        // An end mark follows the payload.
        let mut rest = vec![0; size + 1];
        if from.read_exact(&mut rest).await.is_err() {
            break;
        }
        if silenced.load(Ordering::SeqCst) && u16::from_be_bytes([c0, c1]) != 0 {
            continue;
        }
        if to.write_all(&[&header[..], &rest].concat()).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

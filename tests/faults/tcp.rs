//! A TCP proxy in front of a broker that delays, cuts, swallows and reorders connections.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What the proxy does with what comes.
#[derive(Debug, Default)]
struct Settings {
    /// The longest pause before a piece is passed on, in milliseconds.
    delay: AtomicU64,
    /// Every second connection is made late, so that connections come to the broker in another order.
    reorders: AtomicBool,
    /// Nothing passes, and new connections carry nothing.
    isolated: AtomicBool,
    /// Connections that are open.
    open: AtomicU64,
}

/// The two ends of a connection, and whether what comes is swallowed.
struct Link {
    client: TcpStream,
    server: TcpStream,
    swallows: Arc<AtomicBool>,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    settings: Arc<Settings>,
    links: Arc<Mutex<Vec<Link>>>,
}

impl Proxy {
    /// Listens on a port of its own for connections to `broker`, until the program ends.
    pub(crate) fn start(broker: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let proxy = Self { address, settings: Arc::default(), links: Arc::default() };
        let (settings, links) = (Arc::clone(&proxy.settings), Arc::clone(&proxy.links));
        thread::spawn(move || {
            for (number, client) in listener.incoming().flatten().enumerate() {
                let (settings, links) = (Arc::clone(&settings), Arc::clone(&links));
                thread::spawn(move || accept(&client, broker, number, &settings, &links));
            }
        });
        proxy
    }

    /// The URL of the broker through the proxy.
    pub(crate) fn url(&self, query: &str) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f{query}", self.address.port())
    }

    /// From now on each piece waits for up to so long.
    pub(crate) fn delay(&self, most: Duration) {
        let millis = u64::try_from(most.as_millis()).expect("a short time");
        self.settings.delay.store(millis, Ordering::SeqCst);
    }

    /// From now on every second connection is made late.
    pub(crate) fn reorder(&self, reorders: bool) {
        self.settings.reorders.store(reorders, Ordering::SeqCst);
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        for link in self.links().drain(..) {
            drop(link.client.shutdown(Shutdown::Both));
            drop(link.server.shutdown(Shutdown::Both));
        }
    }

    /// The connections that there are now carry nothing any more, in either direction, and stay open: the other end is gone, and
    /// nobody said so.
    pub(crate) fn swallow(&self) {
        for link in self.links().iter() {
            link.swallows.store(true, Ordering::SeqCst);
        }
    }

    /// Nothing passes any more, and nobody says so. With `false` what there is ends, and what is new passes.
    pub(crate) fn isolate(&self, isolated: bool) {
        self.settings.isolated.store(isolated, Ordering::SeqCst);
        if isolated { self.swallow() } else { self.cut() }
    }

    /// Whether there are connections.
    pub(crate) fn is_used(&self) -> bool {
        self.settings.open.load(Ordering::SeqCst) > 0
    }

    fn links(&self) -> std::sync::MutexGuard<'_, Vec<Link>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(
    client: &TcpStream,
    broker: SocketAddr,
    number: usize,
    settings: &Arc<Settings>,
    links: &Mutex<Vec<Link>>,
) {
    if settings.reorders.load(Ordering::SeqCst) && number.is_multiple_of(2) {
        thread::sleep(Duration::from_millis(300));
    }
    // without a broker the client's connection is closed at once
    let Ok(server) = TcpStream::connect(broker) else { return };
    let swallows = Arc::new(AtomicBool::new(settings.isolated.load(Ordering::SeqCst)));
    let both = || Some((client.try_clone().ok()?, server.try_clone().ok()?));
    let (Some(there), Some(back), Some((kept_client, kept_server))) = (both(), both(), both())
    else {
        return;
    };
    let link = Link { client: kept_client, server: kept_server, swallows: Arc::clone(&swallows) };
    links.lock().unwrap_or_else(PoisonError::into_inner).push(link);
    let (of_back, settings_of_back) = (Arc::clone(&swallows), Arc::clone(settings));
    settings.open.fetch_add(1, Ordering::SeqCst);
    let back = thread::spawn(move || pass(back.1, back.0, &of_back, &settings_of_back));
    pass(there.0, there.1, &swallows, settings);
    drop(back.join());
    settings.open.fetch_sub(1, Ordering::SeqCst);
}

/// Passes on what comes, until one end closes.
fn pass(mut from: TcpStream, mut to: TcpStream, swallows: &AtomicBool, settings: &Settings) {
    let mut piece = vec![0; 4096];
    let mut count = 0_u64;
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let most = settings.delay.load(Ordering::SeqCst);
        if most > 0 {
            count = count.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(length as u64 + 1);
            thread::sleep(Duration::from_millis((count >> 33) % (most + 1)));
        }
        if swallows.load(Ordering::SeqCst) {
            continue;
        }
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    if !swallows.load(Ordering::SeqCst) {
        drop(to.shutdown(Shutdown::Write));
    }
}

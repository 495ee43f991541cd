//! A member: a process with a store of its own, behind a proxy for each node of the broker.

use crate::processor::Processor;
use crate::tcp::Proxy;
use std::net::SocketAddr;
use std::time::Duration;

/// The silence after which a standby takes over.
pub(crate) const TAKEOVER_AFTER: Duration = Duration::from_secs(2);

pub(crate) struct Member {
    pub(crate) processor: Processor,
    /// One for each node of the broker.
    proxies: Vec<Proxy>,
    /// Whether the process is stopped by SIGSTOP: it answers nothing then.
    frozen: bool,
}

/// What a member says of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) owns: bool,
    pub(crate) epoch: u64,
    /// The sequence of the unit that its store needs next.
    pub(crate) seq: u64,
}

impl Member {
    /// A member with an empty disk. It does not run yet.
    pub(crate) fn new(number: usize, nodes: &[SocketAddr], namespace: &str) -> Self {
        let proxies: Vec<_> = nodes.iter().map(|node| Proxy::start(*node)).collect();
        let mut urls: Vec<_> = proxies.iter().map(|proxy| proxy.url("")).collect();
        // each prefers another node
        urls.rotate_left(number % nodes.len());
        let urls = serde_json::to_string(&urls).expect("an array of texts is TOML, too");
        let processor = Processor::in_cluster(&urls, namespace)
            .with("RUST_LOG", &std::env::var("RUST_LOG").unwrap_or_else(|_| "off".to_owned()))
            .with("ORDERLY_CLUSTER__MODE", "standby")
            .with("ORDERLY_CLUSTER__NODE", &format!("m{number}"))
            .with("ORDERLY_CLUSTER__TAKEOVER_AFTER", &format!("{}s", TAKEOVER_AFTER.as_secs()))
            .with("ORDERLY_STORE__CHECKPOINT_EVERY", "1s")
            .with("ORDERLY_ORDERS__HOLD_FOR", "20d")
            .with("ORDERLY_ORDERS__HOLD_CAP", "20d");
        Self { processor, proxies, frozen: false }
    }

    /// What it says, if it answers.
    pub(crate) fn told(&self) -> Option<Told> {
        if self.frozen || !self.processor.runs() {
            return None;
        }
        let told = self.processor.get("/api/cluster")?;
        Some(Told {
            owns: told["role"] == "owner",
            epoch: told["epoch"].as_u64().unwrap_or(0),
            seq: told["seq"].as_u64()?,
        })
    }

    pub(crate) fn is_ready(&self) -> bool {
        !self.frozen && self.processor.runs() && self.processor.get("/readyz").is_some()
    }

    /// A metric, NaN when it does not answer.
    pub(crate) fn metric(&self, name: &str, labels: &str) -> f64 {
        if self.frozen || !self.processor.runs() {
            return f64::NAN;
        }
        self.processor.metric(name, labels)
    }

    /// Deletes its store. It must not run.
    pub(crate) fn lose_store(&self) {
        std::fs::remove_dir_all(self.processor.store()).expect("its store can be deleted");
    }

    /// The size of the largest file of its store, in bytes.
    pub(crate) fn largest_file(&self) -> u64 {
        let mut folders = vec![self.processor.store()];
        let mut largest = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("its store").flatten() {
                // a file may be removed meanwhile
                let Ok(meta) = entry.metadata() else { continue };
                if meta.is_dir() {
                    folders.push(entry.path());
                }
                largest = largest.max(meta.len());
            }
        }
        largest
    }

    /// SIGSTOP.
    pub(crate) fn freeze(&mut self) {
        self.processor.signal("STOP");
        self.frozen = true;
    }

    /// SIGCONT.
    pub(crate) fn thaw(&mut self) {
        self.processor.signal("CONT");
        self.frozen = false;
    }

    /// Cuts all its connections to the broker; it may connect again.
    pub(crate) fn cut(&self) {
        for proxy in &self.proxies {
            proxy.cut();
        }
    }

    /// Nothing passes between it and the broker from now on, and nobody says so; with `false` it may connect again.
    pub(crate) fn isolate(&self, isolated: bool) {
        for proxy in &self.proxies {
            proxy.isolate(isolated);
        }
    }

    /// The node that its commands come from, as a number.
    pub(crate) fn node(&self) -> Option<usize> {
        self.proxies.iter().position(Proxy::is_used)
    }
}

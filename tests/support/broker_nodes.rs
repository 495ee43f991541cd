//! The nodes of the broker that `scripts/with-rabbitmq --nodes` has started.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

/// How long a node may take to come back.
const START_PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// Several nodes, which a test may kill.
pub(crate) struct BrokerNodes(Vec<BrokerNode>);

struct BrokerNode {
    url: String,
    port: u16,
    directory: PathBuf,
}

impl BrokerNodes {
    /// `None`: there is one node only.
    pub(crate) fn of_environment() -> Option<Self> {
        let urls = std::env::var("ORDERLY_TEST_AMQP_NODES").ok()?;
        let directories = std::env::var("ORDERLY_TEST_BROKER_DIRS").ok()?;
        let nodes = urls.split_whitespace().zip(directories.split_whitespace());
        let nodes = nodes.map(|(url, directory)| BrokerNode {
            url: url.to_owned(),
            port: url::Url::parse(url).ok().and_then(|url| url.port()).expect("a port"),
            directory: directory.into(),
        });
        Some(Self(nodes.collect()))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.0.iter().map(|node| node.url.clone()).collect()
    }

    /// The node that leads the stream: its number.
    pub(crate) fn leader_of(&self, stream: &str) -> usize {
        let mut waited = Duration::ZERO;
        while waited < START_PATIENCE {
            let listed = self.0.iter().find_map(|node| {
                let mut ctl = Command::new(node.directory.join("ctl"));
                let listed =
                    ctl.args(["--quiet", "list_queues", "name", "leader"]).output().ok()?;
                listed
                    .status
                    .success()
                    .then(|| String::from_utf8_lossy(&listed.stdout).into_owned())
            });
            for line in listed.iter().flat_map(|listed| listed.lines()) {
                let Some((name, leader)) = line.split_once('\t') else { continue };
                let leads = |node: &BrokerNode| leader.contains(&format!("-{}@", node.port));
                if let (true, Some(leader)) = (name == stream, self.0.iter().position(leads)) {
                    return leader;
                }
            }
            thread::sleep(POLL);
            waited += POLL;
        }
        panic!("{stream} has no leader");
    }

    /// Kills a node (SIGKILL).
    pub(crate) fn kill(&self, number: usize) {
        println!("killing node {number}");
        self.signal(number, "KILL");
    }

    /// Sends a signal to a node.
    pub(crate) fn signal(&self, number: usize, signal: &str) {
        let pid = fs::read_to_string(self.0[number].directory.join("pid")).expect("its process id");
        let sent = Command::new("kill").args(["-s", signal, pid.trim()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Starts a node that was killed, and waits until it listens. The script that made it ends it.
    pub(crate) fn restart(&self, number: usize) {
        self.0[number].start();
        self.0[number].wait();
        println!("node {number} is back");
    }

    /// Starts all nodes, which were killed: each waits for others.
    pub(crate) fn restart_all(&self) {
        for node in &self.0 {
            node.start();
        }
        for node in &self.0 {
            node.wait();
        }
    }
}

impl BrokerNode {
    fn start(&self) {
        let mut start = Command::new(self.directory.join("start"));
        start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut started = start.spawn().expect("the node starts");
        thread::spawn(move || started.wait());
    }

    fn wait(&self) {
        let mut waited = Duration::ZERO;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(waited < START_PATIENCE, "a node did not start");
            thread::sleep(POLL);
            waited += POLL;
        }
    }
}

//! The nodes of the broker that `scripts/with-rabbitmq --nodes` has started.

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
        Some(Self(nodes.collect())).filter(|nodes| nodes.0.len() > 1)
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
        let pid = fs::read_to_string(self.0[number].directory.join("pid")).expect("its process id");
        println!("killing node {number}");
        let killed = Command::new("kill").args(["-KILL", pid.trim()]).status();
        assert!(killed.expect("kill runs").success());
    }

    /// Starts a node that was killed, and waits until it listens. The script that made it ends it.
    pub(crate) fn restart(&self, number: usize) {
        let node = &self.0[number];
        let mut start = Command::new(node.directory.join("start"));
        start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut started = start.spawn().expect("the node starts");
        thread::spawn(move || started.wait());
        let mut waited = Duration::ZERO;
        while TcpStream::connect(("127.0.0.1", node.port)).is_err() {
            assert!(waited < START_PATIENCE, "node {number} did not start");
            thread::sleep(POLL);
            waited += POLL;
        }
        println!("node {number} is back");
    }
}

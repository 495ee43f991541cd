//! `RabbitMQ` for tests: a shared one, or a private node that a test may kill.
//!
//! A private node has its own ports, directories and epmd, so it does not touch any other broker on the machine. Its processes read
//! from pipes that this process holds open: however the tests end, the processes of the node end too, and their directory is
//! removed.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::fmt::Write as _;
use std::{
    fs, io,
    net::{Ipv6Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

/// Names the `rabbitmq-server` of another `RabbitMQ`. Its `rabbitmqctl` is taken from the same folder where it is there.
const SERVER_VARIABLE: &str = "RABBITMQ_SERVER";

/// Where distributions put the scripts that do not change user.
const SCRIPTS: [&str; 2] = ["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin"];

/// A node is up in about 8 s on an idle machine; tests run on busy ones.
const START_PATIENCE: Duration = Duration::from_secs(120);

const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The broker that tests share: `ORDERLY_TEST_AMQP` if set, else a node of this process's own.
/// Use a [`namespace`] of your own on it, and do not kill it.
pub(crate) fn shared_url() -> String {
    static SHARED: OnceLock<Node> = OnceLock::new();
    match std::env::var("ORDERLY_TEST_AMQP") {
        Ok(url) if !url.is_empty() => url,
        _ => SHARED.get_or_init(Node::start).url(),
    }
}

/// A namespace that no other test uses, in this process or another.
pub(crate) fn namespace(test: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{test}-{}-{count}", std::process::id())
}

/// A private node for all tests of a file. The tests run one after the other, since each holds the lock on the node.
pub(crate) fn exclusive_node() -> MutexGuard<'static, Node> {
    static NODE: OnceLock<Mutex<Node>> = OnceLock::new();
    NODE.get_or_init(|| Mutex::new(Node::start())).lock().unwrap_or_else(PoisonError::into_inner)
}

/// A runtime for a test that also blocks its own thread, for instance with `rabbitmqctl`.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// A private `RabbitMQ` node.
pub(crate) struct Node {
    directory: PathBuf,
    server_script: PathBuf,
    ctl_script: PathBuf,
    amqp_port: u16,
    tls_port: u16,
    dist_port: u16,
    epmd_port: u16,
    /// Runs as long as the node exists, through its restarts; removes the directory at its end.
    _epmd: Kept,
    server: Option<Kept>,
}

impl Node {
    /// Starts a node and waits until it takes connections.
    pub(crate) fn start() -> Self {
        Self::start_with(Tls::Off)
    }

    /// The same, listening for TLS too, with a certificate for 127.0.0.1 of [`Node::authority`].
    pub(crate) fn start_with_tls() -> Self {
        Self::start_with(Tls::On)
    }

    fn start_with(tls: Tls) -> Self {
        let chosen = std::env::var_os(SERVER_VARIABLE).map(PathBuf::from);
        let beside = chosen.as_ref().and_then(|server| server.parent()).map(PathBuf::from);
        let usual = SCRIPTS.iter().map(PathBuf::from);
        let places = beside.into_iter().chain(usual);
        let script = |name: &str| {
            let found = places.clone().map(|place| place.join(name)).find(|path| path.exists());
            found
                .unwrap_or_else(|| panic!("no {name} in the usual places: install rabbitmq-server"))
        };
        let ctl_script = script("rabbitmqctl");
        let server_script = chosen.unwrap_or_else(|| script("rabbitmq-server"));
        let directory = tempfile::Builder::new()
            .prefix("orderly-rabbit-")
            .tempdir()
            .expect("a temporary directory")
            .keep();
        let [amqp_port, tls_port, dist_port, epmd_port] = free_ports();
        write_config(&directory, amqp_port);
        if tls == Tls::On {
            add_tls(&directory, tls_port);
        }
        let mut epmd = Command::new("epmd");
        epmd.args(["-port", &epmd_port.to_string()]);
        // After the server, which dies at the same moment.
        let cleanup = format!("sleep 1; rm -rf '{}'", directory.display());
        let epmd = Kept::spawn(&epmd, &cleanup);
        let mut node = Self {
            directory,
            server_script,
            ctl_script,
            amqp_port,
            tls_port,
            dist_port,
            epmd_port,
            _epmd: epmd,
            server: None,
        };
        node.restart();
        if tls == Tls::On {
            // RabbitMQ 4 listens for TLS a moment later than for plain connections
            node.wait_until(|| TcpStream::connect(("127.0.0.1", tls_port)).is_ok());
        }
        node
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.amqp_port)
    }

    /// The port on which it takes TLS, if it was started with that.
    pub(crate) fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// A PEM file with the authority of its certificate.
    pub(crate) fn authority() -> PathBuf {
        tls_file("ca.pem")
    }

    /// Its URL by IPv6, if this machine has it.
    pub(crate) fn ipv6_url(&self) -> Option<String> {
        let url = format!("amqp://guest:guest@[::1]:{}/%2f", self.amqp_port);
        has_ipv6().then_some(url)
    }

    /// A folder of its own, whose files the node can read and write.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The port on which it takes AMQP connections.
    pub(crate) fn port(&self) -> u16 {
        self.amqp_port
    }

    /// Kills it without warning (SIGKILL).
    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    /// Starts the node again on the same ports and data. Kills it first if it runs.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let mut command = self.command(&self.server_script);
        // Makes the script become the server, so that the process we hold is the server.
        command.env("RUNNING_UNDER_SYSTEMD", "true");
        self.server = Some(Kept::spawn(&command, ""));
        self.wait_until_up();
    }

    /// Runs `rabbitmqctl` with `arguments`; returns what it prints.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> String {
        let mut command = self.command(&self.ctl_script);
        let Output { status, stdout, stderr } = command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .expect("rabbitmqctl runs");
        let stderr = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "rabbitmqctl {arguments:?}: {stderr}");
        String::from_utf8_lossy(&stdout).into_owned()
    }

    fn command(&self, script: &Path) -> Command {
        let mut command = Command::new(script);
        let here = |name: &str| self.directory.join(name);
        command
            .env("HOME", &self.directory)
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("RABBITMQ_NODENAME", format!("t{}@localhost", self.amqp_port))
            .env("RABBITMQ_NODE_PORT", self.amqp_port.to_string())
            .env("RABBITMQ_DIST_PORT", self.dist_port.to_string())
            .env("RABBITMQ_MNESIA_BASE", here("data"))
            .env("RABBITMQ_LOG_BASE", here("log"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", here("enabled_plugins"))
            .env("RABBITMQ_CONFIG_FILE", here("rabbitmq.conf"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", here("advanced.config"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            // Idle schedulers that spin would take the CPU from the tests.
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+sbwt none +sbwtdcpu none +sbwtdio none")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn wait_until_up(&self) {
        self.wait_until(|| speaks_amqp(self.amqp_port));
    }

    fn wait_until(&self, is_up: impl Fn() -> bool) {
        let mut waited = Duration::ZERO;
        while !is_up() {
            assert!(waited < START_PATIENCE, "RabbitMQ did not start:\n{}", self.log());
            thread::sleep(POLL_INTERVAL);
            waited += POLL_INTERVAL;
        }
    }

    fn log(&self) -> String {
        let log = self.directory.join("log");
        let entries = fs::read_dir(log).into_iter().flatten().flatten();
        entries.filter_map(|entry| fs::read_to_string(entry.path()).ok()).collect()
    }
}

/// Whether a node listens for TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tls {
    Off,
    On,
}

fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/tls").join(name)
}

fn add_tls(directory: &Path, port: u16) {
    let mut config = format!("listeners.ssl.1 = 127.0.0.1:{port}\n");
    for (key, name) in
        [("cacertfile", "ca.pem"), ("certfile", "server.pem"), ("keyfile", "server.key")]
    {
        // Beside the configuration: the node may see nothing else of this machine's files.
        let copy = directory.join(name);
        fs::copy(tls_file(name), &copy).expect("the certificate is copied");
        writeln!(config, "ssl_options.{key} = {}", copy.display()).expect("a text takes it");
    }
    config.push_str("ssl_options.verify = verify_none\n");
    let path = directory.join("rabbitmq.conf");
    let before = fs::read_to_string(&path).expect("the configuration was written");
    fs::write(path, before + &config).expect("the configuration is written");
}

fn write_config(directory: &Path, amqp_port: u16) {
    let ipv6 =
        if has_ipv6() { format!("listeners.tcp.2 = ::1:{amqp_port}\n") } else { String::new() };
    let config = format!(
        "listeners.tcp.1 = 127.0.0.1:{amqp_port}\n\
         {ipv6}\
         raft.wal_max_size_bytes = 33554432\n\
         disk_free_limit.absolute = 1MB\n"
    );
    fs::write(directory.join("rabbitmq.conf"), config).expect("the configuration is written");
    fs::write(directory.join("enabled_plugins"), "[].\n").expect("the plugin list is written");
    fs::write(directory.join("advanced.config"), "[].\n").expect("the configuration is written");
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// Whether a broker answers. A broker listens before it can answer.
fn speaks_amqp(port: u16) -> bool {
    use io::{Read, Write};
    let answer = || -> io::Result<[u8; 1]> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"AMQP\x00\x00\x09\x01")?;
        let mut first = [0];
        stream.read_exact(&mut first)?;
        Ok(first)
    };
    // A method frame: connection.start.
    answer().is_ok_and(|first| first == [1])
}

/// Free ports. They differ, since each is held until the last one is found.
fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
    held.map(|listener| listener.local_addr().expect("its address").port())
}

/// A process that dies with this struct, or with this process.
struct Kept {
    keeper: Child,
}

impl Kept {
    /// Runs `command` under a shell that waits for our end of its input to close, kills the
    /// process, and runs `cleanup`.
    fn spawn(command: &Command, cleanup: &str) -> Self {
        let script =
            format!("\"$@\" </dev/null & kept=$!; read -r _; kill -9 $kept; wait; {cleanup}");
        let mut keeper = Command::new("sh");
        keeper
            .args(["-c", &script, "keeper"])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                keeper.env(name, value);
            }
        }
        let keeper = keeper.spawn().expect("sh runs");
        Self { keeper }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

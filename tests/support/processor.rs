//! The program as a process, with a broker.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Longer than any step takes that succeeds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A processor that can be started, killed and started again on the same store.
pub(crate) struct Processor {
    pub(crate) namespace: String,
    pub(crate) directory: TempDir,
    environment: Vec<(String, String)>,
    child: Option<Child>,
    port: u16,
    /// The file of its log, in place of the log of the test.
    log: Option<PathBuf>,
    /// The largest size of a file that it writes, in bytes.
    file_limit: Option<u64>,
}

impl Processor {
    pub(crate) fn new(url: &str, namespace: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = directory.path().join("store");
        let environment = [
            ("ORDERLY_BROKER__URL", url),
            ("ORDERLY_BROKER__NAMESPACE", namespace),
            ("ORDERLY_STORE__PATH", store.to_str().expect("a path in UTF-8")),
            ("RUST_LOG", "warn"),
        ];
        Self {
            namespace: namespace.to_owned(),
            environment: environment.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            directory,
            child: None,
            port: 0,
            log: None,
            file_limit: None,
        }
    }

    /// A member of a cluster, with these addresses of the broker as a TOML array.
    pub(crate) fn in_cluster(urls: &str, namespace: &str) -> Self {
        let mut member = Self::new("", namespace);
        for (key, value) in &mut member.environment {
            if key == "ORDERLY_BROKER__URL" {
                (*key, *value) = ("ORDERLY_BROKER__URLS".to_owned(), urls.to_owned());
            }
        }
        member
    }

    /// Keeps the log of the starts that follow, with everything that the program and its HTTP client say, in this file.
    pub(crate) fn logging_all_to(self, path: PathBuf) -> Self {
        self.logging_to(path).with(
            "RUST_LOG",
            "orderly=trace,orderly_actors=trace,hyper=trace,hyper_util=trace,rustls=trace",
        )
    }

    /// Keeps the log of the starts that follow in this file.
    pub(crate) fn logging_to(mut self, path: PathBuf) -> Self {
        self.log = Some(path);
        self
    }

    /// Sets a variable for the starts that follow.
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Sets the largest size of a file, in bytes, for the starts that follow. Writing beyond it fails, as on a full disk.
    pub(crate) fn with_files_up_to(mut self, bytes: u64) -> Self {
        self.limit_files(Some(bytes));
        self
    }

    /// Sets or removes the largest size of a file.
    pub(crate) fn limit_files(&mut self, bytes: Option<u64>) {
        self.file_limit = bytes;
    }

    /// Whether it was started, and was not seen to have ended.
    pub(crate) fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// The environment of the running process.
    pub(crate) fn process_environment(&self) -> Vec<String> {
        let environment = self.process_file("environ");
        environment.split('\0').map(str::to_owned).collect()
    }

    /// The name of the process, as `ps` and `pidof` know it.
    pub(crate) fn process_name(&self) -> String {
        self.process_file("comm").trim_end().to_owned()
    }

    fn process_file(&self, name: &str) -> String {
        let pid = self.child.as_ref().expect("it runs").id();
        let content = std::fs::read(format!("/proc/{pid}/{name}")).expect("the process is there");
        String::from_utf8_lossy(&content).into_owned()
    }

    /// The port of the admin API of the running processor.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match self.file_limit {
            None => Command::new(cargo_bin("orderly")),
            Some(bytes) => {
                // Such a write raises a signal, which would end the process at once: ignore it.
                let mut shell = Command::new("bash");
                let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", bytes >> 10);
                shell.args(["-c", &script, "bash"]).arg(cargo_bin("orderly"));
                shell
            }
        };
        command.args(arguments).envs(self.environment.iter().cloned());
        command
    }

    /// Starts the processor, and returns when it is ready.
    pub(crate) fn start(&mut self) {
        self.spawn();
        self.wait_until_ready();
    }

    /// Starts the processor with its admin API on a port, and returns when it is ready.
    pub(crate) fn start_on(&mut self, port: u16) {
        self.spawn_on(port);
        self.wait_until_ready();
    }

    /// Starts the processor on the port that it had before, and returns when it is ready.
    pub(crate) fn start_again(&mut self) {
        self.spawn_on(self.port);
        self.wait_until_ready();
    }

    /// The address of a path of the admin server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Starts the processor without waiting.
    pub(crate) fn spawn(&mut self) {
        self.spawn_on(free_port());
    }

    /// Starts the processor with its admin API on a port, without waiting.
    pub(crate) fn spawn_on(&mut self, port: u16) {
        assert!(self.child.is_none(), "it runs already");
        self.port = port;
        let child = self
            .command(&["serve"])
            .env("ORDERLY_ADMIN__BIND", format!("127.0.0.1:{}", self.port))
            .stdin(Stdio::null())
            .stderr(match &self.log {
                None => Stdio::inherit(),
                Some(path) => std::fs::File::create(path).expect("a file for its log").into(),
            })
            .spawn()
            .expect("orderly starts");
        self.child = Some(child);
    }

    pub(crate) fn wait_until_ready(&mut self) {
        self.wait(|processor| processor.get("/readyz").is_some());
    }

    /// Waits until a condition holds for the running processor.
    pub(crate) fn wait(&mut self, mut done: impl FnMut(&Self) -> bool) {
        let rounds = PATIENCE.as_millis() / 20;
        for _ in 0..rounds {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait().expect("its state")
            {
                panic!("orderly ended by itself: {status}");
            }
            if done(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it did not happen in time");
    }

    /// The address of its admin API.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The JSON (or text) that a path of the admin API answers with; `None` unless 200.
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let text = ureq::get(&url).call().ok()?.body_mut().read_to_string().ok()?;
        Some(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// What a path of the admin API answers to an empty POST: status and JSON.
    pub(crate) fn post(&self, path: &str) -> (u16, Value) {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let request = ureq::post(&url).config().http_status_as_error(false).build();
        let mut response = request.send_empty().expect("an answer");
        let text = response.body_mut().read_to_string().expect("a text");
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Status and document of a path of the admin API that answers with a problem.
    pub(crate) fn problem(&self, path: &str) -> (u16, Value) {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let request = ureq::get(&url).config().http_status_as_error(false).build();
        let mut answer = request.call().expect("an answer");
        let text = answer.body_mut().read_to_string().expect("text");
        (answer.status().as_u16(), serde_json::from_str(&text).expect("JSON"))
    }

    /// The details of a degraded reason in `/readyz`, which answers 200.
    pub(crate) fn degraded(&self, reason: &str) -> Vec<String> {
        let ready = self.get("/readyz").expect("it is ready");
        let reasons = ready["degraded"].as_array().expect("a list").iter();
        let of_reason = reasons.filter(|one| one["reason"] == reason);
        of_reason.map(|one| one["detail"].as_str().expect("a text").to_owned()).collect()
    }

    pub(crate) fn is_degraded(&self, reason: &str) -> bool {
        !self.degraded(reason).is_empty()
    }

    /// The sum of a metric's series whose line contains `labels`.
    pub(crate) fn metric(&self, name: &str, labels: &str) -> f64 {
        let Some(Value::String(text)) = self.get("/metrics") else {
            return f64::NAN;
        };
        text.lines()
            .filter(|line| line.starts_with(name) && line.contains(labels))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Waits until the condition holds (false) or the process has ended by itself (true).
    pub(crate) fn ended_before(&mut self, mut done: impl FnMut(&Self) -> bool) -> bool {
        for _ in 0..PATIENCE.as_millis() / 20 {
            let child = self.child.as_mut().expect("it runs");
            if child.try_wait().expect("its state").is_some() {
                self.child = None;
                return true;
            }
            if done(self) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("neither happened in time");
    }

    /// How the process ended, if it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().expect("its state");
        if status.is_some() {
            self.child = None;
        }
        status
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it is dead");
    }

    /// Sends SIGTERM, and waits until the process has ended.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.take().expect("it runs").wait().expect("it ends")
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits until the process has ended by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.ended_within(PATIENCE)
    }

    /// Waits until the process has ended, up to a limit.
    pub(crate) fn ended_within(&mut self, patience: Duration) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        for _ in 0..patience.as_millis() / 20 {
            if let Some(status) = child.try_wait().expect("its state") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child = Some(child);
        panic!("it goes on after {patience:?}");
    }

    /// `orderly store verify` of a stopped processor.
    pub(crate) fn verify(&self) -> Value {
        self.store_command("verify")
    }

    /// The output of `orderly store` about the store of a stopped processor.
    pub(crate) fn store_command(&self, what: &str) -> Value {
        let output = self.command(&["store", what]).output().expect("orderly runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&text).expect("JSON")
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

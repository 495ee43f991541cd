//! A Prometheus of Debian's package, with a folder of its own, that ends with the test.

use crate::processor::free_port;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use url::form_urlencoded::Serializer;

/// Longer than anything takes that succeeds: so many pauses.
const ROUNDS: usize = 600;
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Prometheus {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts one with these files of rules, which asks a processor on a port for its metrics each second.
    pub(crate) fn start(rules: &[(&str, &str)], target: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = "global: { scrape_interval: 1s, evaluation_interval: 1s }\n".to_owned();
        config += "rule_files:\n";
        for (name, text) in rules {
            std::fs::write(folder.path().join(name), text).expect("a file");
            let _ = writeln!(config, "  - {name}");
        }
        let _ = writeln!(
            config,
            "scrape_configs:\n  - job_name: orderly\n    static_configs:\n      - targets: [\"127.0.0.1:{target}\"]"
        );
        std::fs::write(folder.path().join("prometheus.yml"), config).expect("a file");
        let port = free_port();
        let child = Command::new("prometheus")
            .arg(argument("config.file", &folder.path().join("prometheus.yml")))
            .arg(argument("storage.tsdb.path", &folder.path().join("data")))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=error")
            .stdin(Stdio::null())
            .spawn()
            .expect("prometheus runs; Debian has it in the package prometheus");
        let prometheus = Self { child, port, _folder: folder };
        Self::wait("an answer", || prometheus.ask("vector(1)").is_some());
        prometheus
    }

    /// The series that an expression gives now; none when it is not understood.
    pub(crate) fn ask(&self, expression: &str) -> Option<Vec<Value>> {
        let query = Serializer::new(String::new()).append_pair("query", expression).finish();
        let url = format!("http://127.0.0.1:{}/api/v1/query?{query}", self.port);
        let text = ureq::get(&url).call().ok()?.body_mut().read_to_string().ok()?;
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        let result = answer["data"]["result"].as_array();
        match answer["data"]["resultType"].as_str()? {
            "scalar" => Some(vec![answer["data"]["result"].clone()]),
            _ => result.cloned(),
        }
    }

    /// The alerts that have been firing at any time.
    pub(crate) fn fired(&self) -> Vec<String> {
        let all = "count by (alertname) (count_over_time(ALERTS{alertstate=\"firing\"}[10m]))";
        let found = self.ask(all).unwrap_or_default();
        let name = |series: &Value| Some(series["metric"]["alertname"].as_str()?.to_owned());
        found.iter().filter_map(name).collect()
    }

    /// Waits until these alerts have been firing.
    pub(crate) fn wait_for(&self, alerts: &[&str]) {
        let missing = || {
            let fired = self.fired();
            let missing = alerts.iter().filter(|alert| !fired.iter().any(|one| one == *alert));
            missing.copied().collect::<Vec<_>>()
        };
        for _ in 0..ROUNDS {
            if missing().is_empty() {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        panic!("these alerts do not fire: {:?}", missing());
    }

    pub(crate) fn wait(what: &str, done: impl Fn() -> bool) {
        for _ in 0..ROUNDS {
            if done() {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        panic!("{what} does not come");
    }
}

fn argument(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // it may have ended already
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

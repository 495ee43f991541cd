//! `orderly serve`, and its admin server.

use std::{
    env,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use tokio::time::{Duration, Instant, sleep};

use super::{process::Running, raw::Outputs};

/// A start that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(2 * 60);

/// The program that is measured: `ORDERLY_BENCH_BINARY`, or the one that was built with this bench.
pub(crate) fn binary() -> PathBuf {
    env::var_os("ORDERLY_BENCH_BINARY")
        .map_or_else(|| env!("CARGO_BIN_EXE_orderly").into(), PathBuf::from)
}

/// Whether a processor is alone or a member of a cluster.
pub(crate) const CLUSTER_MODE: &str = "ORDERLY_CLUSTER__MODE";

/// A setting: a variable of the environment and its value.
pub(crate) type Setting = (&'static str, String);

/// The settings with which it publishes these outputs and no others.
pub(crate) fn publishing(outputs: Outputs) -> Vec<Setting> {
    let publish = |types: &str| ("ORDERLY_EVENTS__PUBLISH", types.to_owned());
    let no_channel = ("ORDERLY_NOTIFICATIONS__CHANNELS", "[]".to_owned());
    match outputs {
        Outputs::Paid => vec![publish(r#"["order.paid"]"#), no_channel],
        Outputs::Events => vec![publish(r#"["order.placed", "order.paid"]"#), no_channel],
        // The defaults.
        Outputs::All => Vec::new(),
    }
}

/// How a processor is started.
#[derive(Debug, Clone)]
pub(crate) struct Processor {
    url: String,
    namespace: String,
    store: PathBuf,
    settings: Vec<Setting>,
}

impl Processor {
    pub(crate) fn new(url: &str, namespace: &str, store: &Path, settings: &[Setting]) -> Self {
        Self {
            url: url.to_owned(),
            namespace: namespace.to_owned(),
            store: store.to_owned(),
            settings: settings.to_vec(),
        }
    }

    /// The same with another store.
    pub(crate) fn beside(&self, store: &Path) -> Self {
        Self { store: store.to_owned(), ..self.clone() }
    }

    /// Whether it is a member of a cluster.
    pub(crate) fn is_member(&self) -> bool {
        self.settings.iter().any(|(key, _)| *key == CLUSTER_MODE)
    }

    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    /// Starts it, without waiting until it is ready.
    pub(crate) fn start(&self) -> Result<Serving> {
        // Free now, and not handed out again soon.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(binary());
        command
            .arg("serve")
            .env("ORDERLY_BROKER__URL", &self.url)
            .env("ORDERLY_BROKER__NAMESPACE", &self.namespace)
            .env("ORDERLY_STORE__PATH", &self.store)
            .env("ORDERLY_ADMIN__BIND", format!("127.0.0.1:{port}"))
            .envs(self.settings.iter().map(|(key, value)| (*key, value)));
        if env::var_os("RUST_LOG").is_none() {
            // Settings that no shop would have are warned of.
            command.env("RUST_LOG", "error");
        }
        let running = Running::start(&mut command)?;
        Ok(Serving { running, admin: Some(Admin { base: format!("http://127.0.0.1:{port}") }) })
    }

    /// Starts it, and waits until it is ready. Returns how many seconds that took, too.
    pub(crate) async fn start_ready(&self) -> Result<(Serving, f64)> {
        let began = Instant::now();
        let mut serving = self.start()?;
        let admin = serving.admin()?.clone();
        while admin.get("/readyz").is_err() {
            serving.running.is_alive()?;
            ensure!(began.elapsed() < PATIENCE, "it is not ready after {} s", PATIENCE.as_secs());
            sleep(Duration::from_millis(5)).await;
        }
        Ok((serving, began.elapsed().as_secs_f64()))
    }

    /// Has it check what it kept, when it is stopped.
    pub(crate) fn verify(&self) -> Result<()> {
        let verified = Command::new(binary())
            .args(["store", "verify", "--store"])
            .arg(&self.store)
            .stdin(Stdio::null())
            .output()?;
        ensure!(
            verified.status.success(),
            "the store is not sound: {}",
            String::from_utf8_lossy(&verified.stdout)
        );
        Ok(())
    }
}

/// A contestant at work.
pub(crate) struct Serving {
    pub(crate) running: Running,
    /// Of a processor; the raw relay has none.
    admin: Option<Admin>,
}

impl Serving {
    /// The raw relay.
    pub(crate) fn relay(url: &str, namespace: &str, outputs: Outputs) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["--url", url, "raw-relay", namespace, outputs.word()]);
        Ok(Self { running: Running::start(&mut command)?, admin: None })
    }

    pub(crate) fn admin(&self) -> Result<&Admin> {
        self.admin.as_ref().context("the raw relay has no admin server")
    }
}

/// Asks the admin server of a processor. Every call blocks its thread.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    base: String,
}

impl Admin {
    /// The body of an answer with status 200.
    pub(crate) fn get(&self, path: &str) -> Result<String> {
        let mut answer = ureq::get(format!("{}{path}", self.base)).call()?;
        let limit = 64 << 20;
        Ok(answer.body_mut().with_config().limit(limit).read_to_string()?)
    }

    /// Audits the books. Fails when they do not balance. Returns how many seconds that took.
    pub(crate) fn audit(&self) -> Result<f64> {
        let began = Instant::now();
        let answer: serde_json::Value = serde_json::from_str(&self.get("/api/audit")?)?;
        if answer["balanced"] != true {
            bail!("the audit found violations: {}", answer["violations"]);
        }
        Ok(began.elapsed().as_secs_f64())
    }

    /// Makes a backup and drops it. Returns its bytes.
    pub(crate) fn backup(&self) -> Result<u64> {
        let answer = ureq::post(format!("{}/api/store/backup", self.base)).send_empty()?;
        let bytes = std::io::copy(&mut answer.into_body().into_reader(), &mut std::io::sink());
        bytes.context("the backup broke off")
    }

    /// What `/readyz` says that a person should see.
    pub(crate) fn degraded(&self) -> Result<Vec<String>> {
        let ready: serde_json::Value = serde_json::from_str(&self.get("/readyz")?)?;
        let reasons = ready["degraded"].as_array().into_iter().flatten();
        Ok(reasons.filter_map(|one| one["reason"].as_str().map(str::to_owned)).collect())
    }

    /// The sum of the series of a metric whose line contains `labels`.
    pub(crate) fn metric(&self, name: &str, labels: &str) -> Result<f64> {
        Ok(sum_of(&self.get("/metrics")?, name, labels))
    }
}

/// The sum of the series of a metric, in an exposition, whose line contains `labels`.
pub(crate) fn sum_of(exposition: &str, name: &str, labels: &str) -> f64 {
    exposition
        .lines()
        .filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && line.contains(labels)
        })
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

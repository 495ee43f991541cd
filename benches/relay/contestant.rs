//! The processes that are measured, and what they cost.

use std::{
    env, fmt, fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use tokio::time::{Duration, Instant, sleep};

use super::RAW_RELAY;

/// Linux counts the CPU time in `/proc` in hundredths of a second.
const TICKS: f64 = 100.0;

/// Who takes the commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contestant {
    RawRelay,
    Orderly,
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` and not `write_str`: the report lines its columns up.
        f.pad(match self {
            Self::RawRelay => "raw relay",
            Self::Orderly => "orderly",
        })
    }
}

impl Contestant {
    /// Whether it keeps stock, and so must be given some first.
    pub(crate) fn keeps_stock(self) -> bool {
        self == Self::Orderly
    }

    fn command(self, url: &str, namespace: &str, store: &Path) -> Result<Command> {
        Ok(match self {
            Self::RawRelay => {
                let mut command = Command::new(env::current_exe()?);
                command.args([RAW_RELAY, namespace]);
                command
            }
            Self::Orderly => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_orderly"));
                command
                    .arg("serve")
                    .env("ORDERLY_BROKER__URL", url)
                    .env("ORDERLY_BROKER__NAMESPACE", namespace)
                    .env("ORDERLY_STORE__PATH", store)
                    .env("ORDERLY_ADMIN__BIND", "127.0.0.1:0")
                    // The relay's outputs and no others.
                    .env("ORDERLY_EVENTS__PUBLISH", r#"["order.paid"]"#)
                    .env("ORDERLY_NOTIFICATIONS__CHANNELS", "[]");
                if env::var_os("RUST_LOG").is_none() {
                    command.env("RUST_LOG", "warn");
                }
                command
            }
        })
    }

    /// Starts it on the queue of this namespace.
    pub(crate) fn start(self, url: &str, namespace: &str, store: &Path) -> Result<Running> {
        let child = self
            .command(url, namespace, store)?
            .stdin(Stdio::null())
            // Ours is for the figures.
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {self}"))?;
        Ok(Running { child })
    }

    /// Has it check what it kept, when it is stopped.
    pub(crate) fn verify(self, store: &Path) -> Result<()> {
        if self == Self::Orderly {
            let verified = Command::new(env!("CARGO_BIN_EXE_orderly"))
                .args(["store", "verify", "--store"])
                .arg(store)
                .stdin(Stdio::null())
                .output()?;
            ensure!(
                verified.status.success(),
                "the store is not sound: {}",
                String::from_utf8_lossy(&verified.stdout)
            );
        }
        Ok(())
    }
}

/// A contestant at work; killed when dropped.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Fails when it has ended on its own.
    pub(crate) fn is_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended early: {status}"),
        }
    }

    /// CPU seconds so far.
    pub(crate) fn cpu(&self) -> Result<f64> {
        cpu_of(self.child.id())
    }

    /// The most memory it ever had, in MiB.
    pub(crate) fn peak_memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
            .context("no VmHWM in /proc")?;
        Ok(peak / 1_024.0)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure!(asked.success(), "it cannot be asked to stop");
        let patience = Instant::now() + Duration::from_secs(30);
        while Instant::now() < patience {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "it did not end well: {status}");
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        bail!("it did not end within 30 s of SIGTERM")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU seconds of the private broker so far; `None` when it is not ours to look at.
pub(crate) fn broker_cpu() -> Result<Option<f64>> {
    let Some(pid) = env::var("ORDERLY_TEST_BROKER_PID").ok() else {
        return Ok(None);
    };
    cpu_of(pid.parse()?).map(Some)
}

/// CPU seconds of this program so far.
pub(crate) fn own_cpu() -> Result<f64> {
    cpu_of(std::process::id())
}

/// CPU seconds of the whole machine so far.
pub(crate) fn machine_cpu() -> Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat is empty")?;
    // user, nice, system, idle, iowait, irq, softirq, steal: all but the two that are no work.
    let ticks: Vec<f64> =
        line.split_whitespace().skip(1).take(8).map(str::parse).collect::<Result<_, _>>()?;
    ensure!(ticks.len() == 8, "too few fields in /proc/stat");
    Ok((ticks.iter().sum::<f64>() - ticks[3] - ticks[4]) / TICKS)
}

/// User and system time of a process and of its threads, in seconds.
fn cpu_of(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(')').context("no name in /proc")?;
    let ticks = |index: usize| -> Result<f64> {
        let field = fields.split_whitespace().nth(index);
        Ok(field.context("too few fields in /proc")?.parse()?)
    };
    // Fields 14 and 15 of proc(5), counted from the one after the name.
    Ok((ticks(11)? + ticks(12)?) / TICKS)
}

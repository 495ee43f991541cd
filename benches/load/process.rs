//! A process that is measured: what it costs, and its end.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use tokio::time::{Duration, Instant, sleep};

/// Linux counts the CPU time in `/proc` in hundredths of a second.
const TICKS: f64 = 100.0;

/// A process at work; killed when dropped.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts it. Its standard output is dropped: that of the bench is for the figures.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { child })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails when it has ended on its own.
    pub(crate) fn is_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended early: {status}"),
        }
    }

    /// CPU seconds so far.
    pub(crate) fn cpu(&self) -> Result<f64> {
        cpu_of(self.pid())
    }

    /// The most memory it ever had, in MiB.
    pub(crate) fn peak_memory(&self) -> Result<f64> {
        memory_of(self.pid(), "VmHWM:")
    }

    /// The memory it has, in MiB.
    pub(crate) fn memory(&self) -> Result<f64> {
        memory_of(self.pid(), "VmRSS:")
    }

    /// Bytes that it had the kernel write to a disk so far.
    pub(crate) fn written(&self) -> Result<u64> {
        let io = fs::read_to_string(format!("/proc/{}/io", self.pid()))?;
        let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:"));
        Ok(line.context("no write_bytes in /proc")?.trim().parse()?)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").arg(self.pid().to_string()).status()?;
        ensure!(asked.success(), "it cannot be asked to stop");
        let patience = Instant::now() + Duration::from_secs(60);
        while Instant::now() < patience {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "it did not end well: {status}");
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        bail!("it did not end within 60 s of SIGTERM")
    }

    /// Ends it at once, with SIGKILL.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
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
    let Some(pid) = std::env::var("ORDERLY_TEST_BROKER_PID").ok() else {
        return Ok(None);
    };
    cpu_of(pid.parse()?).map(Some)
}

/// CPU seconds of this program so far.
pub(crate) fn own_cpu() -> Result<f64> {
    cpu_of(std::process::id())
}

/// CPU seconds of the whole machine so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MachineCpu {
    /// All work.
    pub(crate) busy: f64,
    /// What the host gave to other virtual machines meanwhile. A part of `busy`.
    pub(crate) stolen: f64,
}

pub(crate) fn machine_cpu() -> Result<MachineCpu> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat is empty")?;
    // user, nice, system, idle, iowait, irq, softirq, steal: all but idle and iowait are work.
    let ticks: Vec<f64> =
        line.split_whitespace().skip(1).take(8).map(str::parse).collect::<Result<_, _>>()?;
    ensure!(ticks.len() == 8, "too few fields in /proc/stat");
    let busy = (ticks.iter().sum::<f64>() - ticks[3] - ticks[4]) / TICKS;
    Ok(MachineCpu { busy, stolen: ticks[7] / TICKS })
}

/// User and system time of a process and of its threads, in seconds.
pub(crate) fn cpu_of(pid: u32) -> Result<f64> {
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

/// A line of `/proc/PID/status` that is in kB, in MiB.
pub(crate) fn memory_of(pid: u32, line: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib = status
        .lines()
        .find_map(|candidate| candidate.strip_prefix(line))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
        .with_context(|| format!("no {line} in /proc"))?;
    Ok(kib / 1_024.0)
}

/// Bytes that a folder takes on its disk.
pub(crate) fn disk_of(folder: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A file may be removed between the two looks.
        let Ok(about) = entry.metadata() else { continue };
        bytes += if about.is_dir() { disk_of(&entry.path())? } else { about.blocks() * 512 };
    }
    Ok(bytes)
}

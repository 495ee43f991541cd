//! What the figures were taken on.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::Command,
    thread,
};

use anyhow::{Context, Result};
use orderly_actors::clock::{Clock as _, SystemClock};
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant};
use url::Url;

/// Noted beside every figure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// When the measurement began (RFC 3339).
    pub(crate) at: String,
    /// Logical processors.
    pub(crate) cores: usize,
    pub(crate) cpu: String,
    /// MiB.
    pub(crate) memory: u64,
    pub(crate) kernel: String,
    pub(crate) rabbitmq: String,
    /// Milliseconds that the disk of the store takes to make 4 KiB durable, in the median.
    pub(crate) fdatasync_ms: f64,
    /// The build of orderly: its commit, and how it was compiled.
    pub(crate) build: String,
}

impl Machine {
    pub(crate) fn look(url: &str) -> Result<Self> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let field = |text: String, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map_or_else(String::new, |(_, value)| value.trim().to_owned())
        };
        let memory = field(read("/proc/meminfo"), "MemTotal");
        let kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
        let optimised = if cfg!(debug_assertions) { "unoptimised" } else { "release" };
        Ok(Self {
            at: SystemClock::default().now().to_string(),
            cores: thread::available_parallelism()?.get(),
            cpu: field(read("/proc/cpuinfo"), "model name"),
            memory: kib / 1_024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            rabbitmq: version(url).context("the broker did not say its version")?,
            fdatasync_ms: fdatasync(Path::new(env!("CARGO_TARGET_TMPDIR")))?,
            build: format!("{}, {optimised}", commit().unwrap_or_else(|| "unknown".to_owned())),
        })
    }

    /// One line for the documents.
    pub(crate) fn line(&self) -> String {
        let Self { at, cores, cpu, memory, kernel, rabbitmq, fdatasync_ms, build } = self;
        let day = at.split('T').next().unwrap_or_default();
        format!(
            "{day}, build {build}; {cores} cores ({cpu}), {:.0} GiB, Linux {kernel}, fdatasync {fdatasync_ms:.2} ms, RabbitMQ {rabbitmq}",
            *memory as f64 / 1_024.0
        )
    }
}

fn commit() -> Option<String> {
    let asked = Command::new("git").args(["describe", "--always", "--dirty"]).output().ok()?;
    let text = String::from_utf8(asked.stdout).ok()?;
    asked.status.success().then(|| text.trim().to_owned())
}

/// The version in the first frame of the broker (`connection.start` of AMQP 0-9-1).
fn version(url: &str) -> Result<String> {
    let url = Url::parse(url)?;
    let host = url.host_str().context("the URL has no host")?;
    let mut stream = TcpStream::connect((host, url.port().unwrap_or(5672)))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"AMQP\x00\x00\x09\x01")?;
    let mut head = [0; 7];
    stream.read_exact(&mut head)?;
    let mut frame = vec![0; u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize];
    stream.read_exact(&mut frame)?;
    // A short string, the type of the value, the length of the value.
    let key = b"\x07versionS";
    let at = frame.windows(key.len()).position(|part| part == key).context("no version")?;
    let rest = &frame[at + key.len()..];
    let (length, rest) = rest.split_first_chunk::<4>().context("the frame ends early")?;
    let text = rest.get(..u32::from_be_bytes(*length) as usize).context("the frame ends early")?;
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// Milliseconds, the median of some tries.
fn fdatasync(folder: &Path) -> Result<f64> {
    let path = folder.join(format!("fdatasync-{}", std::process::id()));
    let mut file = File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..50 {
        file.write_all(&[7; 4_096])?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed());
    }
    fs::remove_file(path)?;
    times.sort_unstable();
    Ok(times[times.len() / 2].as_secs_f64() * 1_000.0)
}

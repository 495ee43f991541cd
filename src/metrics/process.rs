//! What the system knows of the process, under the names that other programs use too: `process_*`.
//!
//! It is read from `/proc` when somebody asks, which takes some tens of microseconds. On a system without `/proc` these series
//! are not there.

use std::fmt::Write as _;
use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// The series in the text format of Prometheus; empty where the system does not tell.
pub(super) fn exposition() -> String {
    let mut text = String::new();
    let mut add = |name: &str, kind: &str, about: &str, value: f64| {
        // a `String` takes everything
        let _ = writeln!(text, "# HELP {name} {about}\n# TYPE {name} {kind}\n{name} {value}\n");
    };
    if let Some(stat) = Stat::read() {
        let cpu = "Processor time of the process, in seconds";
        add("process_cpu_seconds_total", "counter", cpu, stat.cpu);
        add("process_resident_memory_bytes", "gauge", "Memory in use, in bytes", stat.resident);
        add("process_virtual_memory_bytes", "gauge", "Address space, in bytes", stat.addresses);
        add("process_threads", "gauge", "Threads", stat.threads);
        if let Some(boot) = boot_time() {
            let about = "When the process started, in seconds since 1970";
            add("process_start_time_seconds", "gauge", about, boot + stat.started);
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // the folder itself is open meanwhile
        let open = open.count().saturating_sub(1);
        add("process_open_fds", "gauge", "Open files and sockets", open as f64);
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        let about = "The most files and sockets that the process may open";
        add("process_max_fds", "gauge", about, most as f64);
    }
    text
}

/// What is taken of `/proc/self/stat`: see `proc(5)`.
#[derive(Debug, PartialEq)]
struct Stat {
    /// Seconds.
    cpu: f64,
    threads: f64,
    /// Seconds since the boot of the machine.
    started: f64,
    /// Bytes.
    addresses: f64,
    /// Bytes.
    resident: f64,
}

impl Stat {
    fn read() -> Option<Self> {
        let text = fs::read_to_string("/proc/self/stat").ok()?;
        Self::parse(&text, clock_ticks_per_second() as f64, page_size() as f64)
    }

    fn parse(text: &str, ticks: f64, page: f64) -> Option<Self> {
        // the second field is the name in brackets, which may have spaces and brackets
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // `proc(5)` numbers the fields from 1, and the first of these is the third
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu: (field(14)? + field(15)?) / ticks,
            threads: field(20)?,
            started: field(22)? / ticks,
            addresses: field(23)?,
            resident: field(24)? * page,
        })
    }
}

/// When the machine started, in seconds since 1970.
fn boot_time() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_a_name_with_brackets() {
        let text =
            "42 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 250 150 13 14 15 16 7 18 5000 4096000 100 21";
        let wanted = Stat {
            cpu: 4.0,
            threads: 7.0,
            started: 50.0,
            addresses: 4_096_000.0,
            resident: 409_600.0,
        };
        assert_eq!(Stat::parse(text, 100.0, 4096.0), Some(wanted));
        assert_eq!(Stat::parse("42 (a) S 1", 100.0, 4096.0), None);
    }
}

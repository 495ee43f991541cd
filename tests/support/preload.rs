//! Faults of a disk, and a clock that steps, in a process: a library that the process loads before others.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The library, compiled by the compiler that links Rust's programs.
pub(crate) fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/preload.c");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let library = folder.join(format!("preload-{}.so", std::process::id()));
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-o"]).arg(&library).arg(source);
        let status = compiler.arg("-ldl").status().expect("the C compiler runs");
        assert!(status.success(), "the library is compiled");
        library
    })
}

/// A fault of the disk under the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// `write`, `sync`, `read` or `open`.
    pub(crate) operation: &'static str,
    /// The first such call that fails.
    pub(crate) at: u32,
    /// The error, by its number on Linux.
    pub(crate) errno: u32,
    /// Whether the first write that fails writes half of its bytes.
    pub(crate) is_short: bool,
}

pub(crate) const EIO: u32 = 5;
pub(crate) const ENOSPC: u32 = 28;
pub(crate) const EROFS: u32 = 30;

impl Fault {
    /// The variables for a process whose files with `path` in their path have the fault. Without a fault: none.
    pub(crate) fn variables(fault: Option<Self>, path: &str) -> Vec<(&'static str, String)> {
        let library = library().display().to_string();
        let (operation, at, errno, is_short) = match fault {
            Some(fault) => (fault.operation, fault.at, fault.errno, fault.is_short),
            None => ("none", 0, 0, false),
        };
        vec![
            ("LD_PRELOAD", library),
            ("FAULT_PATH", path.to_owned()),
            ("FAULT_OP", operation.to_owned()),
            ("FAULT_AT", at.to_string()),
            ("FAULT_ERRNO", errno.to_string()),
            ("FAULT_SHORT", if is_short { "1".to_owned() } else { String::new() }),
        ]
    }
}

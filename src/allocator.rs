//! The allocator, and how long it keeps the pages that were freed.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// Faster than the system's allocator for many small, short-lived allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// mimalloc's option: after how many milliseconds freed pages go back to the system.
const PURGE_DELAY: &str = "MIMALLOC_PURGE_DELAY";
/// After 10 ms, mimalloc's default, a busy processor gives back what it needs again for the next group, and the system has to clear
/// it. A second takes 6 to 9 % off the CPU of an order, and costs some 30 MiB.
const MILLISECONDS: &str = "1000";

/// Has the allocator keep freed pages for a while, unless the environment says how long.
///
/// mimalloc reads its options from the environment before `main`, and safe Rust has no other way to set them. So the process
/// becomes this program once more, with the option: its process id, its files and its arguments stay.
pub(crate) fn keep_freed_pages() {
    if env::var_os(PURGE_DELAY).is_some() {
        return;
    }
    let mut arguments = env::args_os();
    let Some(name) = arguments.next() else { return };
    let arguments: Vec<_> = arguments.collect();
    // By its path first: the system names a process after the file that it was made of, and `pidof orderly` must find it. By the
    // link where another file is in its place by now.
    let path = env::current_exe().ok();
    for program in path.iter().map(AsRef::as_ref).chain([Path::new("/proc/self/exe")]) {
        // an error: there is no such file, and the process goes on as it is
        let _ = Command::new(program)
            .arg0(&name)
            .args(&arguments)
            .env(PURGE_DELAY, MILLISECONDS)
            .exec();
    }
}

//! Progress of work that takes longer than a second: a line on standard error, when that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Work that takes no longer shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(100);

/// The line. It goes when this is dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    /// Dropped to end the thread that waits to show the line.
    done: Option<Sender<()>>,
}

impl Progress {
    /// Work of unknown size.
    pub(super) fn spinner(what: &'static str) -> Self {
        Self::new(ProgressBar::no_length(), "{spinner} {msg} ({elapsed})", what)
    }

    /// Things of unknown number.
    pub(super) fn count(what: &'static str) -> Self {
        Self::new(
            ProgressBar::no_length(),
            "{spinner} {human_pos} {msg} ({per_sec}, {elapsed})",
            what,
        )
    }

    /// So many things in all.
    pub(super) fn counted(number: u64, what: &'static str) -> Self {
        let template = "{bar:40} {human_pos} of {human_len} {msg} ({per_sec}, {eta} left)";
        Self::new(ProgressBar::new(number), template, what)
    }

    /// Bytes of unknown number.
    pub(super) fn bytes(what: &'static str) -> Self {
        let template = "{spinner} {bytes} {msg} ({binary_bytes_per_sec}, {elapsed})";
        Self::new(ProgressBar::no_length(), template, what)
    }

    /// So many bytes in all.
    pub(super) fn of(bytes: u64, what: &'static str) -> Self {
        let template =
            "{bar:40} {bytes} of {total_bytes} {msg} ({binary_bytes_per_sec}, {eta} left)";
        Self::new(ProgressBar::new(bytes), template, what)
    }

    fn new(bar: ProgressBar, template: &str, what: &'static str) -> Self {
        bar.set_draw_target(ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(what);
        let (done, waiting) = channel::<()>();
        let shown = bar.clone();
        thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                // draws nothing where standard error is no terminal
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(DRAWN_EVERY);
            }
        });
        Self { bar, done: Some(done) }
    }

    /// So many more are done.
    pub(super) fn add(&self, more: u64) {
        self.bar.inc(more);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.done.take());
        self.bar.finish_and_clear();
    }
}

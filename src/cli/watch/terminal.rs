//! The terminal: keys one by one, and pictures over each other. As it was when this is dropped.

use super::frame::Size;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::thread;
use tokio::sync::mpsc;

/// Hides the cursor, and clears the screen.
const BEGIN: &str = "\x1b[?25l\x1b[2J";
/// Shows the cursor.
const END: &str = "\x1b[?25h\n";

/// The terminal of standard output, and the keys of standard input if that is a terminal, too.
pub(super) struct Terminal {
    /// How the terminal was.
    before: Option<Termios>,
    keys: mpsc::Receiver<u8>,
}

impl Terminal {
    /// Takes the terminal over. `None`: standard output is no terminal.
    pub(super) fn open() -> io::Result<Option<Self>> {
        if !io::stdout().is_terminal() {
            return Ok(None);
        }
        let (sender, keys) = mpsc::channel(1);
        let mut before = None;
        if io::stdin().is_terminal() {
            let was = tcgetattr(io::stdin())?;
            let mut each_key = was.clone();
            // Ctrl-C stays a signal
            each_key.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            tcsetattr(io::stdin(), OptionalActions::Now, &each_key)?;
            before = Some(was);
            // it waits for a key until the process ends
            thread::spawn(move || {
                let mut stdin = io::stdin().lock();
                let mut key = [0];
                while let Ok(1) = stdin.read(&mut key) {
                    if sender.blocking_send(key[0]).is_err() {
                        return;
                    }
                }
            });
        }
        let terminal = Self { before, keys };
        write(BEGIN)?;
        Ok(Some(terminal))
    }

    /// The size of the terminal.
    pub(super) fn size() -> Size {
        let size = tcgetwinsize(io::stdout()).ok();
        let known = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        known.map_or(Size::LEAST, |size| Size {
            columns: size.ws_col.into(),
            lines: size.ws_row.into(),
        })
    }

    /// Draws a picture in the place of the one before.
    pub(super) fn draw(lines: &[String]) -> io::Result<()> {
        let lines: Vec<_> = lines.iter().map(|line| format!("{line}\x1b[K")).collect();
        // no line break behind the last line: it would scroll a full screen
        write(&format!("\x1b[H{}\x1b[J", lines.join("\r\n")))
    }

    /// Waits for a key. Without a keyboard there is none.
    pub(super) async fn key(&mut self) -> u8 {
        match self.keys.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // what cannot be put back here cannot be put back
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
        let _ = write(END);
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

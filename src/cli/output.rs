//! Standard output, which a reader may close before the end.

use std::io::{self, ErrorKind, Write};

/// Writes to standard output. Whoever stops reading, as `head` does, has what they wanted.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

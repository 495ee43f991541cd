//! The signals that end the process.

use super::{Error, Processors};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the process.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on: the signals no longer end the process by themselves.
    pub fn listen() -> Result<Self, Error> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(Error::Start)?,
            interrupt: signal(SignalKind::interrupt()).map_err(Error::Start)?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Lets processors work until a signal comes or one of them cannot go on. At a signal they stop within
/// `grace`; a second signal is [`Error::Impatient`]. They stop in the same way when `step_down` ends, with
/// [`Error::SteppedDown`].
pub async fn run_until_signalled(
    processors: &mut Processors,
    signals: &mut Signals,
    step_down: impl Future<Output = ()>,
    grace: Duration,
) -> Result<(), Error> {
    let is_signal = tokio::select! {
        result = processors.ended() => return result,
        () = signals.next() => true,
        () = step_down => false,
    };
    tokio::select! {
        result = processors.stop(grace) => result?,
        () = signals.next() => return Err(Error::Impatient),
    }
    if is_signal { Ok(()) } else { Err(Error::SteppedDown) }
}

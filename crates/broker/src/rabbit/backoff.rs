//! The pauses between attempts to connect.

use std::time::Duration;

use ::backoff::{ExponentialBackoff, ExponentialBackoffBuilder, backoff::Backoff as _};

/// Pause after the first failed attempt; later pauses are longer.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Longest pause, before jitter. A processor must be ready within 3 s of the broker's return:
/// the pause costs 1.3 s of these at most, the set-up of two connections has the rest.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Share by which a pause is made longer or shorter, so that the clients of a broker do not all
/// come back at the same moment.
const JITTER: f64 = 0.3;

/// Growing pauses without an end.
pub(super) struct Backoff(ExponentialBackoff);

impl Backoff {
    pub(super) fn new() -> Self {
        Self(
            ExponentialBackoffBuilder::new()
                .with_initial_interval(FIRST_PAUSE)
                .with_max_interval(LONGEST_PAUSE)
                .with_multiplier(1.7)
                .with_randomization_factor(JITTER)
                .with_max_elapsed_time(None)
                .build(),
        )
    }

    /// The pause before the next attempt.
    pub(super) fn next_pause(&mut self) -> Duration {
        self.0.next_backoff().unwrap_or(LONGEST_PAUSE)
    }

    /// Starts again with the first pause, after an attempt that succeeded.
    pub(super) fn reset(&mut self) {
        self.0.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_little_over_a_second_and_never_end() {
        let mut backoff = Backoff::new();
        assert!(backoff.next_pause() <= FIRST_PAUSE.mul_f64(1.0 + JITTER));
        let longest = (0..1_000).map(|_| backoff.next_pause()).max();
        let longest = longest.expect("a thousand pauses");
        assert!(longest > LONGEST_PAUSE && longest <= Duration::from_millis(1_300), "{longest:?}");
        backoff.reset();
        assert!(backoff.next_pause() <= FIRST_PAUSE.mul_f64(1.0 + JITTER));
    }
}

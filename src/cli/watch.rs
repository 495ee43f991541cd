//! `orderly watch`: the state of the shop in the terminal, from the admin API of a processor.
//!
//! | file | has |
//! |---|---|
//! | `sample` | what the admin API says at one moment |
//! | `frame` | the picture that is made of two samples |
//! | `terminal` | keys, and drawing |

mod frame;
mod sample;
mod terminal;

use self::frame::{Size, frame, seconds, silent};
use self::sample::Sample;
use self::terminal::Terminal;
use super::api::{self, Api};
use super::output;
use crate::config::{Config, Duration};
use crate::process::{self, Signals};
use orderly_actors::clock::{Clock as _, SystemClock};
use std::time;

/// The shortest time between two pictures.
const SHORTEST: time::Duration = time::Duration::from_millis(100);

/// Arguments of `orderly watch`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The admin API of the running process; where it is absent, admin.bind of the configuration
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// How often the picture is drawn, at most ten times a second; rates are of this time
    #[arg(long, value_name = "DURATION", default_value = "1s")]
    every: Duration,
    /// Print one picture and end
    #[arg(long)]
    once: bool,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Standard output is a file or a pipe.
    #[error("standard output is no terminal: --once prints one picture")]
    NoTerminal,
    /// Nothing answers.
    #[error("cannot watch")]
    Admin(#[from] api::Error),
    /// The runtime could not start.
    #[error("cannot start")]
    Process(#[from] process::Error),
    /// The terminal cannot be written to.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
}

/// Draws until q or a signal comes.
pub fn run(config: &Config, args: &Args) -> Result<(), Error> {
    let api = Api::at(config, args.url.as_deref())?;
    let every = args.every.get().max(SHORTEST);
    let runtime = process::runtime()?;
    let result = runtime.block_on(async {
        if args.once { once(&api, every).await } else { live(&api, every).await }
    });
    // without waiting for the thread that waits for a key
    runtime.shutdown_background();
    result
}

async fn once(api: &Api, every: time::Duration) -> Result<(), Error> {
    let clock = SystemClock::default();
    let before = Sample::take(api, &clock).await?;
    tokio::time::sleep(every).await;
    let now = Sample::take(api, &clock).await?;
    // nothing is cut: a script reads it
    let size = Size { columns: usize::MAX, lines: usize::MAX };
    let mut text = frame(api.origin(), &before, &now, size).join("\n");
    text.push('\n');
    output::print(&text).map_err(Error::Output)
}

async fn live(api: &Api, every: time::Duration) -> Result<(), Error> {
    let mut signals = Signals::listen()?;
    let mut terminal = Terminal::open().map_err(Error::Output)?.ok_or(Error::NoTerminal)?;
    tokio::select! {
        drawn = draw(api, every) => drawn,
        () = signals.next() => Ok(()),
        () = quit(&mut terminal) => Ok(()),
    }
}

/// Waits for the key q.
async fn quit(terminal: &mut Terminal) {
    while !matches!(terminal.key().await, b'q' | b'Q') {}
}

/// Draws for ever.
async fn draw(api: &Api, every: time::Duration) -> Result<(), Error> {
    let clock = SystemClock::default();
    let mut before: Option<Sample> = None;
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let lines = match Sample::take(api, &clock).await {
            Ok(now) => {
                let lines =
                    frame(api.origin(), before.as_ref().unwrap_or(&now), &now, Terminal::size());
                before = Some(now);
                lines
            }
            Err(error) => {
                let at = seconds(&clock.now().to_string());
                silent(api.origin(), &at, &crate::telemetry::causes(&error), Terminal::size())
            }
        };
        Terminal::draw(&lines).map_err(Error::Output)?;
    }
}

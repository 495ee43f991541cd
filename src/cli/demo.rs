//! `orderly demo`: the whole processor on an in-process broker and a temporary store, fed with a
//! generated shop day.

use super::exit::Exit;
use super::output;
use crate::config::{Config, Duration as Span};
use crate::demo::day::Day;
use crate::demo::run::{self, Outcome, Run};
use crate::process::{
    self, Observed, Processor, Signals, memory_broker, open_store, run_until_signalled,
};
use crate::telemetry;
use indicatif::{ProgressBar, ProgressStyle};
use orderly_actors::clock::{Clock, SystemClock};
use orderly_broker::Names;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// How the day is made.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Customers of the day
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    orders: u64,
    /// The same seed gives the same day
    #[arg(long, value_name = "S", default_value_t = 42)]
    seed: u64,
    /// End after the summary instead of serving the admin API until Ctrl-C
    #[arg(long)]
    exit: bool,
    /// Where the admin API listens, instead of `admin.bind`
    #[arg(long, value_name = "ADDR")]
    bind: Option<SocketAddr>,
}

/// Why there is no summary.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing can be logged.
    #[error("cannot log")]
    Telemetry(#[from] telemetry::Error),
    /// The processor could not start, or had to end.
    #[error("cannot run the processor")]
    Process(#[from] process::Error),
    /// The day came to no end.
    #[error("the day came to no end")]
    Run(#[from] run::Error),
    /// There is no place for the temporary store.
    #[error("cannot make a temporary store")]
    Temporary(#[source] std::io::Error),
    /// Standard output is gone or full.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
}

/// Runs the day; fails when the books do not balance.
pub fn run(config: &Config, args: &Args) -> Result<Exit, Error> {
    telemetry::init(config.log.format, telemetry::DEMO)?;
    let directory = tempfile::tempdir().map_err(Error::Temporary)?;
    let mut config = config.clone();
    config.broker.url = "memory:".parse().unwrap_or_default();
    config.store.path = directory.path().join("store");
    // only the holds that the day itself shortens may run out while it runs
    config.orders.hold_for = Span::from_hours(12);
    config.orders.hold_cap = Span::from_hours(24);
    config.admin.bind = args.bind.unwrap_or(config.admin.bind);
    let runtime = process::runtime()?;
    let result = runtime.block_on(demo(&config, args));
    runtime.shutdown_background();
    result
}

async fn demo(config: &Config, args: &Args) -> Result<Exit, Error> {
    let clock = SystemClock::default();
    let mut signals = Signals::listen()?;
    let observed = Observed::start(config)?;
    let opened = tokio::task::block_in_place(|| open_store(config, &config.store.path))?;
    let broker = memory_broker(config);
    let link = broker.link(config.broker.prefetch.get());
    let mut processor = Processor::start(opened, link, config, &observed)?;

    let names = Names::new(&config.broker.namespace);
    let run = Run::new(broker, names, processor.handle.clone(), processor.reader.clone());
    let bar = progress_bar(args.orders);
    let began = clock.monotonic();
    let outcome = tokio::select! {
        outcome = run.feed(Day::new(args.orders, args.seed), |done| bar.set_position(done)) => outcome?,
        () = signals.next() => return Ok(Exit::Failure),
    };
    bar.finish_and_clear();
    let took = clock.monotonic().saturating_sub(began);

    let summary = summary(&outcome, args, took);
    output::print(&summary).map_err(Error::Output)?;
    let balanced = outcome.differences.is_empty() && outcome.audit.balanced;
    if args.exit {
        processor.handle.clone().stop(config.shutdown.grace.get()).await;
        processor.ended().await?;
    } else {
        let address = observed.server.address();
        let hint = format!("\nThe admin API listens on http://{address} until Ctrl-C.\n");
        output::print(&hint).map_err(Error::Output)?;
        run_until_signalled(&mut processor, &mut signals, config.shutdown.grace.get()).await?;
    }
    observed.server.stop().await;
    Ok(if balanced { Exit::Success } else { Exit::Failure })
}

/// Messages are some eight a customer; the bar only has to move.
fn progress_bar(orders: u64) -> ProgressBar {
    let bar = ProgressBar::new(orders.saturating_mul(8));
    let style = ProgressStyle::with_template("{bar:40} {pos} verdicts, {per_sec}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// What went in, what came out, and whether the books balance.
fn summary(outcome: &Outcome, args: &Args, took: std::time::Duration) -> String {
    let mut text = String::new();
    let Outcome { expected, seen, audit, sent, differences } = outcome;
    let messages: u64 = sent.values().sum();
    let seconds = took.as_secs_f64();
    let _ = writeln!(text, "A shop day: {} customers, seed {}\n", args.orders, args.seed);
    section(&mut text, "Messages sent", sent.iter().map(|(kind, n)| (kind.to_string(), *n, *n)));
    let verdicts = expected.verdicts.iter().map(|(verdict, n)| {
        let found = seen.verdicts.get(verdict).copied().unwrap_or(0);
        (verdict.to_string(), *n, found)
    });
    section(&mut text, "Verdicts", verdicts);
    let statuses = seen.statuses();
    let orders = expected
        .statuses()
        .into_iter()
        .map(|(status, n)| (status.to_string(), n, statuses.get(&status).copied().unwrap_or(0)));
    section(&mut text, "Orders", orders);
    let notifications = expected.notifications.iter().map(|(kind, n)| {
        ((*kind).to_owned(), *n, seen.notifications.get(kind).copied().unwrap_or(0))
    });
    section(&mut text, "Notifications", notifications);
    let amounts = [
        ("captured", expected.paid(), seen.paid()),
        ("to be given back", expected.refund_due(), seen.refund_due()),
    ];
    let amounts = amounts.map(|(name, expected, seen)| {
        (format!("{name} (pence)"), expected.cast_unsigned(), seen.cast_unsigned())
    });
    section(&mut text, "Money", amounts.into_iter());
    let on_hand = |books: &crate::demo::books::Books| {
        books.stock.values().map(|stock| stock.on_hand).sum::<i64>().cast_unsigned()
    };
    let units = [
        ("on hand".to_owned(), on_hand(expected), on_hand(seen)),
        ("messages parked".to_owned(), expected.parked, seen.parked),
        ("callbacks waiting".to_owned(), expected.waiting, seen.waiting),
    ];
    section(&mut text, "Stock and leftovers", units.into_iter());
    let rate = messages as f64 / seconds.max(0.001);
    let _ =
        writeln!(text, "{messages} messages in {seconds:.1} s: {rate:.0} a second, all durable.");
    for line in differences.iter().take(20).chain(&audit.violations) {
        let _ = writeln!(text, "  wrong: {line}");
    }
    let verdict = if differences.is_empty() && audit.balanced {
        "The books balance: stock, money, orders and notifications are what an independent \
         model of the same messages says, and the audit found nothing."
    } else {
        "THE BOOKS DO NOT BALANCE."
    };
    let _ = writeln!(text, "{verdict}");
    text
}

fn section(text: &mut String, title: &str, rows: impl Iterator<Item = (String, u64, u64)>) {
    let _ = writeln!(text, "{title:<34} {:>14} {:>14}", "expected", "seen");
    for (name, expected, seen) in rows {
        let mark = if expected == seen { "" } else { "  <-- differs" };
        let _ = writeln!(text, "  {name:<32} {expected:>14} {seen:>14}{mark}");
    }
    text.push('\n');
}

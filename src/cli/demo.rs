//! `orderly demo`: the whole processor on an in-process broker and a temporary store, fed with a
//! generated shop day.

use super::exit::Exit;
use super::{output, values};
use crate::config::{Config, Duration as Span, LatePayment};
use crate::pipeline::{Gone, Handle};
use crate::process::{
    self, Observed, Processor, Processors, Signals, memory_broker, open_store, run_until_signalled,
};
use crate::telemetry;
use indicatif::{ProgressBar, ProgressStyle};
use orderly_actors::clock::{Clock, SystemClock};
use orderly_actors::states::{self, part};
use orderly_broker::Names;
use orderly_demo::{
    Account, Audit, Day, Evening, Expected, Run, State, Stock, evening, run, summary,
};
use orderly_domain::inventory::{HoldState, Reservation};
use orderly_domain::order::Order;
use orderly_store::{Ordinal, Parts, Reader};
use std::net::SocketAddr;

/// Arguments of `orderly demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Customers of the day
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = values::count::<u64>)]
    orders: u64,
    /// Seed of the day: the same seed gives the same day
    #[arg(long, value_name = "S", default_value_t = 42, value_parser = values::count::<u64>)]
    seed: u64,
    /// End after the summary instead of serving the page and the admin API until Ctrl-C
    #[arg(long)]
    exit: bool,
    /// Address that the page and the admin API listen on, instead of `admin.bind`
    #[arg(long, value_name = "ADDR", value_parser = values::address)]
    bind: Option<SocketAddr>,
}

/// Why the demo ended without a summary.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The logger could not start.
    #[error("cannot start logging")]
    Telemetry(#[from] telemetry::Error),
    /// The processor could not start, or failed.
    #[error("cannot run the processor")]
    Process(#[from] process::Error),
    /// The processor did not handle every message of the day.
    #[error("the shop day was not finished")]
    Run(#[from] run::Error<Unreadable>),
    /// No directory for the temporary store could be made.
    #[error("cannot make a directory for the temporary store")]
    Temporary(#[source] std::io::Error),
    /// The broker refused a message after the day.
    #[error("the shop does not go on")]
    Evening(#[from] evening::Refused),
    /// Standard output is closed or full.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
}

/// Runs the day. The exit is [`Exit::Failure`] when the books do not balance.
pub fn run(config: &Config, args: &Args) -> Result<Exit, Error> {
    telemetry::init(config.log.format, telemetry::DEMO)?;
    let directory = tempfile::tempdir().map_err(Error::Temporary)?;
    let mut config = config.clone();
    config.broker.url = "memory:".parse().unwrap_or_default();
    config.store.path = directory.path().join("store");
    // So long that a slow machine changes no outcome: only the holds that the day shortens itself expire during the run.
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
    let mut processor = Processor::start(opened, link, None, config, &observed)?;

    let names = Names::new(&config.broker.namespace);
    let (handle, reader) = (processor.handle.clone(), processor.reader.clone());
    let running = Running { handle, reader };
    let run = Run::new(broker.clone(), names.clone(), running);
    let day = Day::new(args.orders, args.seed);
    let expected = Expected::new(model_settings(config));
    let bar = progress_bar(args.orders);
    let began = clock.monotonic();
    let outcome = tokio::select! {
        outcome = run.feed(day, expected, |done| bar.set_position(done)) => outcome?,
        () = signals.next() => return Ok(Exit::Failure),
        // without a processor the day would come to no end
        ended = processor.ended() => return ended.map(|()| Exit::Failure).map_err(Error::from),
    };
    bar.finish_and_clear();
    let took = clock.monotonic().saturating_sub(began);

    let summary = summary::summary(&outcome, args.orders, args.seed, took);
    output::print(&summary).map_err(Error::Output)?;
    if args.exit {
        processor.handle.clone().stop(config.shutdown.grace.get()).await;
        processor.ended().await?;
    } else {
        let address = observed.server.address();
        let now = move || clock.now().to_string();
        let evening = Evening::new(broker, names, args.seed, now);
        evening.go_wrong()?;
        output::print(&hint(address)).map_err(Error::Output)?;
        let mut processors = Processors::from(processor);
        tokio::select! {
            ended = run_until_signalled(&mut processors, &mut signals, std::future::pending(), config.shutdown.grace.get()) => ended?,
            Err(refused) = evening.go_on() => return Err(refused.into()),
        }
    }
    observed.server.stop().await;
    Ok(if outcome.balances() { Exit::Success } else { Exit::Failure })
}

/// Where to look, and at what.
fn hint(address: SocketAddr) -> String {
    let stuck = evening::STUCK;
    format!(
        "\nThe page for operators is at http://{address} until Ctrl-C. The shop goes on, and some things went wrong:\n\
         the order {stuck} was paid, and waits for its money all the same. Find out why.\n"
    )
}

/// A customer sends about eight messages. The estimate need not be better: the bar only shows that the demo goes on.
fn progress_bar(orders: u64) -> ProgressBar {
    let bar = ProgressBar::new(orders.saturating_mul(8));
    let style = ProgressStyle::with_template("{bar:40} {pos} verdicts, {per_sec}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The settings of the model, which knows no type of this crate.
fn model_settings(config: &Config) -> orderly_demo::Settings {
    let micros = |span: Span| i64::try_from(span.get().as_micros()).unwrap_or(i64::MAX);
    orderly_demo::Settings {
        max_command_size: config.intake.max_command_size.as_usize(),
        identity_retention: micros(config.store.idempotency_retention),
        history_retention: micros(config.store.history_retention),
        hold_for: micros(config.orders.hold_for),
        hold_cap: micros(config.orders.hold_cap),
        holds_again: config.orders.late_payment == LatePayment::Rehold,
        waiting_total: usize::try_from(config.orders.waiting_max.get()).unwrap_or(usize::MAX),
        waiting_retention: micros(config.orders.waiting_callback_retention),
        cart_expires_after: micros(config.carts.expire_after),
        ..orderly_demo::Settings::default()
    }
}

/// The running processor, as the demo sees it.
struct Running {
    handle: Handle,
    reader: Reader,
}

/// Why the state of the processor cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The processor ended.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// The processor's states cannot be read.
    #[error("the processor's states cannot be read")]
    States(#[from] states::Error),
}

impl orderly_demo::Processor for Running {
    type Error = Unreadable;

    async fn audit(&self) -> Result<Audit, Unreadable> {
        let audit = self.handle.audit().await??;
        let (balanced, violations) = (audit.balanced, audit.violations);
        let (parked, waiting) = (audit.counts.parked, audit.counts.waiting);
        Ok(Audit { balanced, violations, parked, waiting })
    }

    async fn state(&self) -> Result<State, Unreadable> {
        let mut state = State::default();
        each(&self.reader, |order: Order| {
            if let Ok(status) = order.status.as_str().parse() {
                let (total, paid, refunded) = (order.total, order.paid, order.refunded);
                let account = Account { status, total, paid, refunded };
                state.orders.insert(order.id.to_string(), account);
            }
        })?;
        each(&self.reader, |stock: orderly_domain::inventory::Stock| {
            let (on_hand, held) = (stock.on_hand.cast_signed(), stock.held.cast_signed());
            state.stock.insert(stock.sku.to_string(), Stock { on_hand, held });
        })?;
        Ok(state)
    }

    async fn has_overdue_holds(&self) -> Result<bool, Unreadable> {
        let now = SystemClock::default().now();
        let mut found = false;
        each(&self.reader, |reservation: Reservation| {
            if let HoldState::Held { until: Some(until), .. } = reservation.state {
                found |= until <= now;
            }
        })?;
        Ok(found)
    }
}

/// Calls `visit` with every state of type `S` in the store.
fn each<S: states::State>(reader: &Reader, mut visit: impl FnMut(S)) -> Result<(), states::Error> {
    let mut next = Some(Ordinal(0));
    while let Some(from) = next {
        let (entities, behind) = reader.page(S::TABLE, from, usize::MAX, Parts::of(&[S::PART]))?;
        for entity in &entities {
            part(entity)?.into_iter().for_each(&mut visit);
        }
        next = behind;
    }
    Ok(())
}

//! What the core costs: commands a second on one thread, and the rules alone.
//!
//! `cargo bench -p orderly-actors --bench core [-- ORDERS]`. The core is the sequencer, the five
//! owners and the store above a disk that is a map in memory: units are committed in groups,
//! nothing is synced. Checkpoints are made and segments merged as often as in the process, but not counted: they are
//! the store thread's work (see the bench `store`). Commands are decoded beforehand; what that
//! costs is printed beside. All times are the CPU's. As a test (`cargo test --benches`) it only shows that it works.

use bytes::Bytes;
use orderly_actors::clock::SystemClock;
use orderly_actors::sequencer::{InboundMessage, Sequencer, Step};
use orderly_actors::simulation::{Core, commands, options, settings};
use orderly_domain::cart;
use orderly_domain::command::{Command, Kind, PaymentCallback};
use orderly_domain::id::Sku;
use orderly_domain::inventory;
use orderly_domain::inventory::Stock;
use orderly_domain::money::{Currency, UnitPrice};
use orderly_domain::order::{ConfirmOn, NewOrder, Order, Status};
use orderly_domain::payment;
use orderly_domain::payment::Payments;
use orderly_domain::payment::rules::Phase;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;
use orderly_store::disk::{Batch, Error, Pair, Tree};
use orderly_store::sim::SimRng;
use orderly_store::{Disk, Log};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The process's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SKUS: u64 = 4_000;
/// Units that are committed together.
const GROUP: usize = 256;
/// A checkpoint is made whenever so many bytes of units are in none.
const DIRTY: usize = 16 << 20;
const ROUNDS: usize = 5;
/// How often each rule is applied in a round.
const TIMES: usize = 200_000;

/// Time on a CPU of this thread: the machine may have other work.
fn now() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux has it");
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("begins with the nanoseconds"))
}

fn since(begun: Duration) -> Duration {
    now().saturating_sub(begun)
}

fn main() {
    let orders = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    // cargo passes `--bench` to benches, and not to tests
    let is_test = orders.is_none() && std::env::args().all(|arg| arg != "--bench");
    let orders: u64 = orders.unwrap_or(if is_test { 200 } else { 20_000 });
    let times = if is_test { 200 } else { TIMES };
    let rounds = (0..ROUNDS).map(|round| core(orders, round as u64));
    let mut rounds: Vec<_> = rounds.collect();
    rounds.sort_by_key(|round| round.run);
    let [best, .., worst] = &*rounds else { return };
    let middle = &rounds[ROUNDS / 2];
    println!("core, one thread: place + capture, 2 lines, {orders} orders, {ROUNDS} rounds");
    for (name, round) in [("best", best), ("median", middle), ("worst", worst)] {
        let commands = (2 * orders) as f64;
        println!(
            "  {name:<8} {:>9.0} commands/s  {:>6.2} us an order (decode apart: {:.2} us)",
            commands / round.run.as_secs_f64(),
            round.run.as_secs_f64() * 1e6 / orders as f64,
            round.decode.as_secs_f64() * 1e6 / orders as f64,
        );
    }
    println!("rules alone: decide and apply");
    rules(times);
}

struct Round {
    decode: Duration,
    run: Duration,
}

/// Places and pays so many orders.
fn core(orders: u64, seed: u64) -> Round {
    let disk: Arc<dyn Disk> = Arc::new(Memory::default());
    let bodies = bodies(orders, seed);

    actix::System::new().block_on(async move {
        let clock = SystemClock::default();
        let core = Core::start(&disk, &options(), settings(), clock).expect("opens");
        let Core { mut sequencer, mut log, failures: _failures, .. } = core;
        let stock: Vec<_> = (0..SKUS).map(stock).collect();
        run(&mut sequencer, &mut log, &stock).await;

        let begun = now();
        let inbound: Vec<_> =
            bodies.into_iter().map(|(kind, id, body)| inbound(kind, &id, body)).collect();
        let decode = since(begun);
        let run = run(&mut sequencer, &mut log, &inbound).await;
        Round { decode, run }
    })
}

/// Runs the commands, and says how long that took.
async fn run(sequencer: &mut Sequencer, log: &mut Log, inbound: &[InboundMessage]) -> Duration {
    let mut spent = Duration::ZERO;
    for group in inbound.chunks(GROUP) {
        let begun = now();
        let mut units = Vec::with_capacity(GROUP);
        for inbound in group {
            let step = sequencer.run(inbound).await.expect("the store works");
            let Step::Sealed(sealed) = step else {
                panic!("a command failed");
            };
            assert_eq!(sealed.entry.record.verdict, Verdict::Applied);
            units.push(sealed.unit);
        }
        log.commit(&units).expect("commits");
        spent += since(begun);
        if sequencer.view().borrow().dirty_bytes() > DIRTY {
            let report = log.checkpoint().expect("is written");
            while log.compact().expect("merges") {}
            let begun = now();
            sequencer.view().borrow_mut().checkpointed(&report);
            spent += since(begun);
        }
    }
    spent
}

fn stock(sku: u64) -> InboundMessage {
    let body = format!(r#"{{"sku":"sku-{sku:05}","on_hand":1000000}}"#);
    inbound(Kind::StockSet, &format!("s-{sku}"), body.into())
}

/// The placing of all orders, then their captures, as producers write them: when an order is paid, it is in no cache any more.
fn bodies(orders: u64, seed: u64) -> Vec<(Kind, String, Bytes)> {
    let mut rng = SimRng::new(seed);
    let placed = (0..orders).map(|order| {
        let first = rng.below(SKUS);
        let second = (first + 1 + rng.below(SKUS - 1)) % SKUS;
        (Kind::OrderPlace, format!("p-{order:08}"), place(order, first, second))
    });
    let captured =
        (0..orders).map(|order| (Kind::PaymentCallback, format!("c-{order:08}"), capture(order)));
    placed.chain(captured).collect()
}

/// What a shop sends, which has more fields than orderly knows.
fn place(order: u64, first: u64, second: u64) -> Bytes {
    format!(
        r#"{{"order_id":"order-{order:08}","customer":{{"id":"customer-{}","email":"someone{order}@example.com"}},"currency":"EUR","placed_at":"2026-01-01T00:00:00.000Z","lines":[{{"sku":"sku-{first:05}","quantity":2,"unit_price":1250,"name":"a thing to buy"}},{{"sku":"sku-{second:05}","quantity":1,"unit_price":799}}],"ship_to":{{"name":"Ada Lovelace","street":"12 St James Square","city":"London","postcode":"SW1Y 4JH","country":"GB"}},"channel":"web","note":"leave it with the neighbour"}}"#,
        order % 1000
    )
    .into()
}

/// What a provider sends: the same.
fn capture(order: u64) -> Bytes {
    format!(
        r#"{{"provider":"acme","event_id":"event-{order:08}","order_id":"order-{order:08}","attempt_id":"attempt-{order:08}","kind":"captured","capture_id":"capture-{order:08}","amount":3299,"currency":"EUR","occurred_at":"2026-01-01T10:00:00.000Z","card":{{"brand":"visa","last4":"4242","exp":"12/29"}},"risk":{{"score":7,"outcome":"authorized"}},"signature":"b5d4045c3f466fa91fe2cc6abe79232a"}}"#
    )
    .into()
}

fn inbound(kind: Kind, id: &str, body: Bytes) -> InboundMessage {
    commands::inbound("bench", id, kind.as_str(), body)
}

/// Prints what one go of `work` takes, made from what `prepare` gives.
fn measure<T, R>(
    (times, name): (usize, &str),
    prepare: impl Fn() -> T,
    mut work: impl FnMut(T) -> R,
) {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let inputs: Vec<_> = (0..times).map(|_| prepare()).collect();
        let begun = now();
        for input in inputs {
            black_box(work(black_box(input)));
        }
        best = best.min(since(begun));
    }
    println!("  {name:<34} {:>6.0} ns", best.as_secs_f64() * 1e9 / times as f64);
}

type Decide<'a> = &'a dyn Fn(&Order) -> orderly_domain::order::rules::Step;

fn rules(times: usize) {
    let placed = an_order(Status::AwaitingPayment, 0);
    let partial = an_order(Status::PartiallyPaid, 99);
    let review = an_order(Status::UnderReview, 9_999);
    let paid = an_order(Status::Paid, 3_299);
    let expired = an_order(Status::Expired, 0);
    let follow = |order: &Order, step: &orderly_domain::order::rules::Step| {
        let mut order = order.clone();
        for change in &step.changes {
            orderly_domain::order::rules::apply(&mut order, change);
        }
        order
    };
    let summary = payment::rules::PaymentSummary::default();
    let captured = |order: &Order, amount| {
        let phase = orderly_domain::order::rules::phase(order.status).expect("the status says it");
        let rehold = orderly_domain::order::rules::Rehold::NotNeeded;
        orderly_domain::order::rules::captured((order, phase), (amount, false), summary, rehold)
    };
    let steps: [(&str, &Order, Decide<'_>); 8] = [
        ("order placed", &placed, &|o| orderly_domain::order::rules::place(o)),
        ("captured: paid", &placed, &|o| captured(o, 3_299)),
        ("captured: partially paid", &partial, &|o| captured(o, 1)),
        ("captured: surplus", &paid, &|o| captured(o, 1)),
        ("captured: too late", &expired, &|o| captured(o, 3_299)),
        ("cancelled under review", &review, &|o| {
            orderly_domain::order::rules::cancel(o, None, summary).expect("is allowed")
        }),
        ("completed", &paid, &|o| orderly_domain::order::rules::complete(o).expect("is allowed")),
        ("hold lapsed", &placed, &|o| {
            orderly_domain::order::rules::expire_hold(o, summary).expect("lapses")
        }),
    ];
    for (name, order, decide) in steps {
        measure((times, name), || order, |order| follow(order, &decide(order)));
    }

    let Ok(Command::PaymentCallback(callback)) = Command::parse(Kind::PaymentCallback, &capture(1))
    else {
        panic!("is a callback");
    };
    measure(
        (times, "callback recorded"),
        || (Payments::default(), callback.clone()),
        |(payments, callback)| recorded(payments, &callback, placed.currency),
    );
    measure((times, "two lines held and committed"), || [a_stock("a"), a_stock("b")], hold);
    measure((times, "cart line put"), a_cart, put);
}

fn recorded(mut payments: Payments, callback: &PaymentCallback, currency: Currency) -> Payments {
    let (_, change) = payment::rules::decide(&payments, callback, currency, Phase::Awaiting);
    if let Some(change) = change {
        payment::rules::apply(&mut payments, change);
    }
    payments
}

fn hold(mut stocks: [Stock; 2]) -> [Stock; 2] {
    inventory::rules::hold(stocks.iter().map(|stock| (stock, 2))).expect("is there");
    for stock in &mut stocks {
        inventory::rules::apply(stock, inventory::rules::Change::Held(2));
        inventory::rules::apply(stock, inventory::rules::Change::Committed(2));
    }
    stocks
}

fn put(mut cart: cart::Cart) -> cart::Cart {
    let line = cart::rules::LineRequest {
        sku: cart.lines[0].sku.clone(),
        unit_price: cart.lines[0].unit_price,
        currency: cart.currency,
        name: None,
    };
    let change = cart::rules::put(&cart, line, 7).expect("is allowed");
    cart::rules::apply(&mut cart, change, Timestamp::EPOCH);
    cart
}

fn an_order(status: Status, paid: i64) -> Order {
    let Ok(Command::OrderPlace(place)) = Command::parse(Kind::OrderPlace, &place(1, 2, 3)) else {
        panic!("is an order");
    };
    let placed = NewOrder::of_command(place, Duration::from_secs(900), ConfirmOn::Capture)
        .placed(Timestamp::EPOCH);
    Order { status, version: 1, paid, ..placed.expect("has a total") }
}

fn a_stock(sku: &str) -> Stock {
    let sku = Sku::new(sku).expect("is an id");
    Stock { sku, on_hand: 1_000, held: 10, low_at: Some(5), version: 7 }
}

fn a_cart() -> cart::Cart {
    let line = |sku| cart::CartLine {
        sku: Sku::new(sku).expect("is an id"),
        quantity: orderly_domain::money::Quantity::new(1).expect("is a quantity"),
        unit_price: UnitPrice::new(500).expect("is a price"),
        name: None,
    };
    cart::Cart {
        id: orderly_domain::id::CartId::new("cart-1").expect("is an id"),
        status: cart::CartStatus::Open,
        version: 2,
        currency: Currency::from_code("EUR").expect("is a currency"),
        lines: ["a", "b"].map(line).into(),
        order: None,
        updated_at: Timestamp::EPOCH,
    }
}

/// A disk that is a map in memory. Of the journal it keeps the keys alone: nobody reads it back
/// here, and to keep it all would measure how fast the machine hands out fresh memory.
#[derive(Debug, Default)]
struct Memory(Mutex<BTreeMap<(Tree, Vec<u8>), Bytes>>);

impl Memory {
    fn with<R>(&self, act: impl FnOnce(&mut BTreeMap<(Tree, Vec<u8>), Bytes>) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn pair(((_, key), value): (&(Tree, Vec<u8>), &Bytes)) -> Pair {
    (key.clone().into(), value.clone())
}

impl Disk for Memory {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Error> {
        Ok(self.with(|map| map.get(&(tree, key.to_vec())).cloned()))
    }

    fn scan(&self, tree: Tree, from: &[u8], limit: usize) -> Result<Vec<Pair>, Error> {
        let here = |found: &(&(Tree, Vec<u8>), &Bytes)| found.0.0 == tree;
        Ok(self.with(|map| {
            let found = map.range((tree, from.to_vec())..);
            found.take_while(here).take(limit).map(pair).collect()
        }))
    }

    fn last(&self, tree: Tree, below: Option<&[u8]>) -> Result<Option<Pair>, Error> {
        let here = |found: &(&(Tree, Vec<u8>), &Bytes)| found.0.0 == tree;
        Ok(self.with(|map| match below {
            Some(below) => {
                let most = Bound::Excluded((tree, below.to_vec()));
                map.range((Bound::Unbounded, most)).next_back().filter(here).map(pair)
            }
            None => map.iter().rev().find(here).map(pair),
        }))
    }

    fn write(&self, batch: Batch) -> Result<(), Error> {
        self.with(|map| {
            for (key, value) in batch.changes {
                match value {
                    Some(_) if batch.tree == Tree::Journal => {
                        map.insert((batch.tree, key), Bytes::new())
                    }
                    Some(value) => map.insert((batch.tree, key), value.into()),
                    None => map.remove(&(batch.tree, key)),
                };
            }
        });
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        Ok(())
    }

    fn bytes(&self) -> Result<u64, Error> {
        let bytes = self.with(|map| map.values().map(Bytes::len).sum::<usize>());
        Ok(bytes as u64)
    }
}

//! What the store costs: CPU an order by stage, group commits by size, look-ups, memory and disk.
//!
//! `cargo bench -p orderly-store --bench store [-- ORDERS] [plain]`; `plain` leaves the postings out. CPU is the whole process's, sled's threads and fsync
//! included; the stages run one after the other here, so each can be told from the others. As a test (`cargo test --benches`) it
//! only shows that it works.

use std::env;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orderly_store::sim::SimRng;
use orderly_store::{
    Disk, IdentityHash, List, NameHash, Opened, Options, Ordinal, Posting, PostingChange, Schema,
    SledDisk, Table, TableSpec, Unit, UnitBuilder, View, open,
};

/// Orders in a group; each has two units, as a shop's has (placed, captured).
const GROUP: u64 = 250;
const SKUS: u64 = 4_000;
const ORDERS: Table = Table::new(0);
const SKU: Table = Table::new(2);
const SCHEMA: Schema = Schema {
    tables: &[
        TableSpec { table: ORDERS, name: "orders", per_page: 32 },
        TableSpec { table: SKU, name: "skus", per_page: 128 },
    ],
    contents: 1,
};
/// A checkpoint is made whenever so many bytes of units are in none.
const DIRTY: usize = 32 << 20;

#[derive(Debug, Default, Clone, Copy)]
struct Cost {
    cpu: Duration,
    wall: Duration,
    /// Bytes given to the kernel.
    written: u64,
}

impl Cost {
    fn add(&mut self, since: Self) {
        let now = Self::now();
        self.cpu += now.cpu.saturating_sub(since.cpu);
        self.wall += now.wall.saturating_sub(since.wall);
        self.written += now.written - since.written;
    }

    #[expect(clippy::disallowed_methods, reason = "a bench measures the real time")]
    fn now() -> Self {
        use std::sync::OnceLock;
        static BEGUN: OnceLock<Instant> = OnceLock::new();
        // User and system time in ticks of 10 ms, of all threads that are or were: coarse, but right on the whole.
        let stat = fs::read_to_string("/proc/self/stat").expect("Linux has it");
        let (_, fields) = stat.rsplit_once(") ").expect("the name is in brackets");
        let ticks: u64 =
            fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Self {
            cpu: Duration::from_millis(ticks * 10),
            wall: BEGUN.get_or_init(Instant::now).elapsed(),
            written: fs::read_to_string("/proc/self/io")
                .expect("Linux has it")
                .lines()
                .find_map(|line| line.strip_prefix("wchar: ")?.parse().ok())
                .expect("a number"),
        }
    }

    fn print(self, stage: &str, orders: u64) {
        let per = |time: Duration| time.as_secs_f64() * 1e6 / orders as f64;
        println!(
            "{stage:<34} {:>8.2} us CPU  {:>8.2} us wall {:>8} bytes written",
            per(self.cpu),
            per(self.wall),
            self.written / orders
        );
    }
}

fn hash(number: u64) -> [u8; 16] {
    let mut rng = SimRng::new(number);
    let [a, b] = [rng.below(u64::MAX).to_le_bytes(), rng.below(u64::MAX).to_le_bytes()];
    let mut hash = [0; 16];
    hash[..8].copy_from_slice(&a);
    hash[8..].copy_from_slice(&b);
    hash
}

/// Bytes that do not repeat, like encoded states; made once.
fn noise() -> Vec<u8> {
    let mut rng = SimRng::new(7);
    (0..4_096).map(|_| rng.below(256).to_le_bytes()[0]).collect()
}

/// What the units of an order are made of.
struct Input {
    noise: Vec<u8>,
    with_postings: bool,
}

impl Input {
    /// Adds an order to lists, or removes it, as a shop does when it is placed (`paid` false) and paid.
    fn post(&self, builder: &mut UnitBuilder, order: Ordinal, number: u64, now: i64, paid: bool) {
        if !self.with_postings {
            return;
        }
        let mut post = |list: u64, rank: i64, change| {
            builder.post(Posting { list: List(list), rank, ordinal: order }, change);
        };
        let term = |index: u64, term: u64| {
            let hash = u64::from_le_bytes(*hash(term).first_chunk().expect("16 bytes"));
            index << 56 | hash >> 8
        };
        let [status, hold] = [1_u64 << 56, 2 << 56];
        if paid {
            post(status, now, PostingChange::Removed);
            post(hold, now + 900_000_000, PostingChange::Removed);
            post(status + 1, now, PostingChange::Added);
            post(term(3, number), 0, PostingChange::Added);
            post(term(4, number), 0, PostingChange::Added);
        } else {
            post(status, now, PostingChange::New);
            post(hold, now + 900_000_000, PostingChange::New);
            post(term(5, number % 50_000), now, PostingChange::New);
            post(term(6, number % 50_000), now, PostingChange::New);
            post(term(7, number % SKUS), now, PostingChange::New);
            post(term(8, number * 7 % SKUS), now, PostingChange::New);
        }
    }
}

/// The two units of an order: about 800 and 650 bytes.
fn order(view: &mut View, number: u64, now: i64, input: &Input) -> [Arc<Unit>; 2] {
    let from = usize::try_from(number % 2_048).expect("small");
    let some = |length: usize| &input.noise[from..from + length];
    let order = view.next_ordinal(ORDERS);
    let mut placed = view.begin(now);
    placed.identity(IdentityHash(hash(number * 2)), number);
    placed.name(ORDERS, NameHash(hash(number)), order);
    placed.put(ORDERS, order, 0, some(400));
    placed.put(ORDERS, order, 1, some(80));
    placed.put(SKU, Ordinal(number % SKUS), 0, some(40));
    placed.put(SKU, Ordinal(number * 7 % SKUS), 0, some(40));
    placed.link_history(ORDERS, order, None);
    placed.timer(now + 900_000_000, ORDERS, order, 1);
    placed.count(0, 1);
    input.post(&mut placed, order, number, now, false);
    let first = placed.seq();
    let placed = placed.seal(3, some(200));
    view.seal(Arc::clone(&placed));

    let mut paid = view.begin(now);
    paid.identity(IdentityHash(hash(number * 2 + 1)), number);
    paid.put(ORDERS, order, 0, some(400));
    paid.put(ORDERS, order, 1, some(20));
    paid.put(ORDERS, order, 2, some(60));
    paid.put(SKU, Ordinal(number % SKUS), 0, some(40));
    paid.link_history(ORDERS, order, Some(first));
    paid.count(0, -1);
    paid.count(1, 1);
    input.post(&mut paid, order, number, now, true);
    let paid = paid.seal(2, some(150));
    view.seal(Arc::clone(&paid));
    [placed, paid]
}

fn main() {
    let orders = env::args().skip(1).find_map(|arg| arg.parse().ok());
    // cargo passes `--bench` to benches, and not to tests
    let is_test = orders.is_none() && env::args().all(|arg| arg != "--bench");
    let orders = orders.unwrap_or(if is_test { 1_000 } else { 100_000 });
    let look_ups = if is_test { 1_000 } else { 200_000 };
    let rounds = if is_test { 2 } else { 100 };
    let with_postings = !env::args().any(|arg| arg == "plain");
    let input = Input { noise: noise(), with_postings };
    let directory =
        tempfile::tempdir_in(env::var_os("STORE_DIR").unwrap_or_else(|| "/var/tmp".into()))
            .expect("a directory");
    let mut store = reopen(directory.path());
    let [mut seal, mut commit, mut checkpoint, mut compact] = [Cost::default(); 4];
    let (mut journal, mut views, mut slowest) = (0, 0, Duration::ZERO);
    let mut dirty = 0;
    let mut reports = 0;
    for group in 0..orders / GROUP {
        let now = i64::try_from(group * 50_000).expect("small");
        let since = Cost::now();
        let units: Vec<_> = (group * GROUP..(group + 1) * GROUP)
            .flat_map(|number| order(&mut store.view, number, now, &input))
            .collect();
        seal.add(since);
        let since = Cost::now();
        let done = store.log.commit(&units).expect("a commit");
        commit.add(since);
        journal += done.bytes;
        dirty += done.bytes;
        if dirty < DIRTY && group + 1 < orders / GROUP {
            continue;
        }
        dirty = 0;
        loop {
            let since = Cost::now();
            let report = store.log.checkpoint_step().expect("a step");
            let mut step = Cost::default();
            step.add(since);
            slowest = slowest.max(step.wall);
            checkpoint.add(since);
            if let Some(report) = report {
                views += report.bytes;
                reports += 1;
                let since = Cost::now();
                store.view.checkpointed(&report);
                seal.add(since);
                break;
            }
        }
        let since = Cost::now();
        while store.log.compact().expect("a step") {}
        compact.add(since);
    }
    let orders = orders / GROUP * GROUP;
    println!("{orders} orders of two units, groups of {GROUP} orders, {reports} checkpoints");
    seal.print("build and seal (core thread)", orders);
    commit.print("commit", orders);
    checkpoint.print("checkpoint", orders);
    compact.print("merge and remove", orders);
    let mut total = commit;
    for cost in [checkpoint, compact] {
        total.cpu += cost.cpu;
        total.wall += cost.wall;
        total.written += cost.written;
    }
    total.print("store thread in all", orders);
    println!("slowest checkpoint step: {slowest:?}");
    println!(
        "bytes an order: journal {}, views {}",
        journal as u64 / orders,
        views as u64 / orders
    );
    lookups(&store, orders, look_ups);
    println!("resident: {} MiB", resident() >> 20);
    let stats = store.log.stats().expect("statistics");
    println!("on disk: {} MiB; {stats:?}", stats.bytes >> 20);
    let blobs = fs::read_dir(directory.path().join("blobs")).expect("sled's directory").count();
    assert_eq!(blobs, 0, "a blob is not synced");
    drop(store);
    let since = Cost::now();
    let mut store = reopen(directory.path());
    let mut reopened = Cost::default();
    reopened.add(since);
    println!("reopened in {:?}, {} replayed", reopened.wall, store.recovery.replayed);
    group_sizes(&mut store, orders, &input, rounds);
}

fn reopen(path: &Path) -> Opened {
    let disk: Arc<dyn Disk> = Arc::new(SledDisk::open(path, 16 << 20).expect("a disk"));
    let options = Options { namespace: Some("bench".into()), ..Options::new(SCHEMA) };
    open(&disk, &options).expect("a store")
}

fn lookups(store: &Opened, orders: u64, look_ups: u64) {
    let count = |stage: &str, of: &dyn Fn(u64) -> [u8; 16], known: bool| {
        for round in ["cold", "warm"] {
            let since = Cost::now();
            for number in 0..look_ups {
                let found = store.view.identity(&IdentityHash(of(number))).expect("a read");
                assert_eq!(found.is_some(), known);
            }
            let mut cost = Cost::default();
            cost.add(since);
            cost.print(&format!("{stage}, {round}"), look_ups);
        }
    };
    count("absent identity", &|number| hash(u64::MAX / 2 - number), false);
    count("known identity", &|number| hash(number * 7_919 % (2 * orders)), true);
    let since = Cost::now();
    for number in 0..look_ups {
        let ordinal = Ordinal(number * 7_919 % orders);
        assert!(store.view.read(ORDERS, ordinal, 0).expect("a read").is_some());
    }
    let mut cost = Cost::default();
    cost.add(since);
    cost.print("order at random", look_ups);
}

fn group_sizes(store: &mut Opened, mut number: u64, input: &Input, rounds: u64) {
    for size in [1_u64, 16, 128, 512] {
        let mut cost = Cost::default();
        let mut times = Vec::new();
        for _ in 0..rounds {
            let now = store.view.clock();
            let mut units: Vec<_> = (0..size.div_ceil(2))
                .flat_map(|_| {
                    number += 1;
                    order(&mut store.view, number, now, input)
                })
                .collect();
            let last = units.split_off(usize::try_from(size).expect("small"));
            let since = Cost::now();
            store.log.commit(&units).expect("a commit");
            let mut one = Cost::default();
            one.add(since);
            cost.add(since);
            times.push(one.wall);
            store.log.commit(&last).expect("a commit");
        }
        times.sort_unstable();
        println!(
            "commit of {size:>3} units: median {:?}, slowest {:?}, {:.1} us CPU a unit",
            times[times.len() / 2],
            times[times.len() - 1],
            cost.cpu.as_secs_f64() * 1e6 / (size * rounds) as f64,
        );
    }
}

fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: u64 =
        status.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4_096
}

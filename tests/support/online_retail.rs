//! A year of a real gift wholesaler as commands, and the expected results.
//!
//! Reads the "Online Retail" data set (Chen 2015, CC BY 4.0, DOI 10.24432/C5BW33) where it is at
//! hand. An invoice becomes an order, a cancellation (number with a leading C) an order that is
//! cancelled before it is paid, as is the order of 80,995 pieces, whose own cancellation is not part
//! of every sample; quantities written off become stock adjustments. Every order is paid; callbacks
//! come shuffled and some twice.
//!
//! [`Expected`] is arithmetic over the invoices. Its only rule is that an order is placed when there is stock for all its lines.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "compiled into each test that needs it, of which none needs all of it"
)]

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use orderly_demo::{Message, Random};
use serde_json::{Value, json};

/// The giant order that was called off minutes later.
pub const GIANT: &str = "581483";

/// Why the file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not there, or is no CSV.
    #[error("cannot read the invoices")]
    Csv(#[from] csv::Error),
    /// A quantity is no whole number.
    #[error("invoice {invoice}: quantity {quantity:?} is no whole number")]
    Quantity { invoice: String, quantity: String },
    /// A price is no decimal number.
    #[error("invoice {invoice}: price {price:?} is no amount of pounds")]
    Price { invoice: String, price: String },
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    invoice_no: String,
    stock_code: String,
    quantity: String,
    unit_price: String,
    #[serde(rename = "CustomerID")]
    customer: String,
}

/// One line that can be sold or written off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub sku: String,
    pub quantity: i64,
    pub pence: i64,
}

/// One invoice's lines, as far as they can be commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    pub number: String,
    pub customer: String,
    /// What was sold. For a cancellation: what had been sold.
    pub sold: Vec<Line>,
    /// What was written off.
    pub lost: Vec<Line>,
    pub is_cancelled: bool,
}

impl Invoice {
    pub fn total(&self) -> i64 {
        self.sold.iter().map(|line| line.quantity * line.pence).sum()
    }
}

/// The invoices of a file, in its order.
#[derive(Debug)]
pub struct Invoices {
    pub all: Vec<Invoice>,
    /// (invoice, stock code) of the lines whose price is no whole number of pence.
    pub left_out: Vec<(String, String)>,
}

/// Where the sample is: what `ORDERLY_TEST_ONLINE_RETAIL_CSV` names, or in a folder of data beside the
/// repository. `None` when there is none.
pub fn sample() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("ORDERLY_TEST_ONLINE_RETAIL_CSV") {
        return Some(named.into());
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    std::fs::read_dir(beside)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("data/online-retail/online_retail_sample.csv"))
        .find(|path| path.is_file())
}

/// Reads the invoices of the file at `path`.
pub fn open(path: &Path) -> Result<Invoices, Error> {
    let file = File::open(path).map_err(csv::Error::from)?;
    read(file)
}

/// Reads invoices; the lines of one stand together.
pub fn read(source: impl Read) -> Result<Invoices, Error> {
    let mut all: Vec<Invoice> = Vec::new();
    let mut left_out = Vec::new();
    for row in csv::Reader::from_reader(source).into_deserialize() {
        let row: Row = row?;
        let quantity: i64 = row.quantity.parse().map_err(|_| Error::Quantity {
            invoice: row.invoice_no.clone(),
            quantity: row.quantity.clone(),
        })?;
        let pence = match pence(&row.unit_price) {
            Pence::Whole(pence) => pence,
            Pence::Fraction => {
                left_out.push((row.invoice_no, row.stock_code));
                continue;
            }
            Pence::Not => {
                return Err(Error::Price { invoice: row.invoice_no, price: row.unit_price });
            }
        };
        if all.last().is_none_or(|last| last.number != row.invoice_no) {
            all.push(Invoice {
                is_cancelled: row.invoice_no.starts_with('C') || row.invoice_no == GIANT,
                customer: customer(&row.customer),
                number: row.invoice_no,
                sold: Vec::new(),
                lost: Vec::new(),
            });
        }
        let Some(invoice) = all.last_mut() else {
            continue;
        };
        let line = Line {
            // Ids hold no spaces; one code does.
            sku: row.stock_code.replace(' ', "-"),
            quantity: quantity.abs(),
            pence,
        };
        match quantity {
            0 => {}
            ..0 if !invoice.is_cancelled => invoice.lost.push(line),
            _ => invoice.sold.push(line),
        }
    }
    Ok(Invoices { all, left_out })
}

#[derive(Debug, PartialEq, Eq)]
enum Pence {
    Whole(i64),
    /// A price of a tenth of a penny or less, which no whole number of pence equals.
    Fraction,
    Not,
}

/// Pounds as decimal text to pence, without passing through a float.
fn pence(pounds: &str) -> Pence {
    let (whole, fraction) = pounds.split_once('.').unwrap_or((pounds, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return Pence::Not;
    }
    let (hundredths, rest) = fraction.split_at(fraction.len().min(2));
    if rest.bytes().any(|byte| byte != b'0') {
        return Pence::Fraction;
    }
    format!("{whole}{hundredths:0<2}").parse().map_or(Pence::Not, Pence::Whole)
}

/// The file gives customers as floats, 0.0 for none.
fn customer(text: &str) -> String {
    match text.trim_end_matches(".0") {
        "" | "0" => "counter".to_owned(),
        id => id.to_owned(),
    }
}

/// How much stock the shop begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stocked {
    /// Enough for every order.
    Fully,
    /// Enough for every order, except that of every fifth stock code there is half of what was sold.
    Shortly,
}

/// The expected results of all commands.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// On hand at the end; nothing is held any more.
    pub stock: BTreeMap<String, i64>,
    /// Each order's final status and what was paid for it, in pence.
    pub orders: BTreeMap<String, (&'static str, i64)>,
}

impl Expected {
    /// All money taken, in pence.
    pub fn paid(&self) -> i64 {
        self.orders.values().map(|(_, paid)| paid).sum()
    }
}

/// The commands in the order in which they are sent, and the expected results.
#[derive(Debug)]
pub struct Replay {
    pub commands: Vec<Message>,
    pub expected: Expected,
}

/// Turns invoices into commands. The same seed gives the same order.
pub fn replay(invoices: &[Invoice], stocked: Stocked, seed: u64) -> Replay {
    let initial = stock(invoices, stocked);
    let mut commands: Vec<Message> = initial
        .iter()
        .map(|(sku, on_hand)| {
            let data = json!({ "sku": sku, "on_hand": on_hand });
            message("warehouse", format!("set-{sku}"), "stock.set", &data)
        })
        .collect();
    let (expected, happened) = settle(invoices, initial);

    let mut random = Random::new(seed);
    let mut timed: Vec<(i64, Message)> = Vec::new();
    for (position, (invoice, outcome)) in (0_i64..).zip(happened) {
        let at = position * SLOT;
        for (line, lost) in invoice.lost.iter().enumerate() {
            let data = json!({ "sku": lost.sku, "delta": -lost.quantity, "reason": "written off" });
            let id = format!("lost-{}-{line}", invoice.number);
            timed.push((at, message("warehouse", id, "stock.adjust", &data)));
        }
        if outcome == Outcome::NoOrder {
            continue;
        }
        timed.push((at, place(invoice)));
        match outcome {
            Outcome::Cancelled => timed.push((at + 1, cancel(invoice))),
            Outcome::Paid => {
                // Somewhat before its order, or well after it.
                let paid = at + SLOT * (random.below(500).cast_signed() - 100);
                timed.push((paid, captured(invoice, 1)));
                if random.per_mille(200) {
                    let again = paid + SLOT * random.below(500).cast_signed();
                    timed.push((again, captured(invoice, 2)));
                }
            }
            Outcome::Free | Outcome::Refused | Outcome::NoOrder => {}
        }
    }
    timed.sort_by_key(|(at, _)| *at);
    commands.extend(timed.into_iter().map(|(_, message)| message));
    Replay { commands, expected }
}

/// The distance between two invoices: room for the commands that follow the first one.
const SLOT: i64 = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Nothing was sold, only written off.
    NoOrder,
    Paid,
    /// The order costs nothing, so it is paid when it is placed.
    Free,
    Cancelled,
    /// The stock did not suffice for every line.
    Refused,
}

fn stock(invoices: &[Invoice], stocked: Stocked) -> BTreeMap<String, i64> {
    let mut needed: BTreeMap<String, i64> = BTreeMap::new();
    for line in invoices.iter().flat_map(|invoice| invoice.sold.iter().chain(&invoice.lost)) {
        *needed.entry(line.sku.clone()).or_default() += line.quantity;
    }
    if stocked == Stocked::Shortly {
        for on_hand in needed.values_mut().step_by(5) {
            *on_hand /= 2;
        }
    }
    needed
}

/// The outcome of each invoice, in their order, which is the order of the placings.
fn settle(
    invoices: &[Invoice],
    mut available: BTreeMap<String, i64>,
) -> (Expected, Vec<(&Invoice, Outcome)>) {
    let mut orders = BTreeMap::new();
    let mut happened = Vec::new();
    for invoice in invoices {
        for lost in &invoice.lost {
            // Held units cannot be written off.
            let there = available.entry(lost.sku.clone()).or_default();
            if *there >= lost.quantity {
                *there -= lost.quantity;
            }
        }
        let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
        for line in &invoice.sold {
            *wanted.entry(&line.sku).or_default() += line.quantity;
        }
        let fits = wanted.iter().all(|(sku, quantity)| available[*sku] >= *quantity);
        let outcome = match invoice.total() {
            _ if invoice.sold.is_empty() => Outcome::NoOrder,
            _ if !fits => Outcome::Refused,
            0 => Outcome::Free,
            _ if invoice.is_cancelled => Outcome::Cancelled,
            _ => Outcome::Paid,
        };
        if matches!(outcome, Outcome::Paid | Outcome::Free) {
            for (sku, quantity) in wanted {
                *available.entry(sku.to_owned()).or_default() -= quantity;
            }
        }
        let entry = match outcome {
            Outcome::NoOrder => None,
            Outcome::Paid => Some(("paid", invoice.total())),
            Outcome::Free => Some(("paid", 0)),
            Outcome::Cancelled => Some(("cancelled", 0)),
            Outcome::Refused => Some(("rejected", 0)),
        };
        orders.extend(entry.map(|entry| (invoice.number.clone(), entry)));
        happened.push((invoice, outcome));
    }
    let expected = Expected { stock: available, orders };
    (expected, happened)
}

fn message(source: &'static str, id: String, kind: &'static str, data: &Value) -> Message {
    Message { kind, id: Some(id), source, deadline: None, body: data.to_string().into_bytes() }
}

fn place(invoice: &Invoice) -> Message {
    let lines: Vec<Value> = invoice
        .sold
        .iter()
        .map(|line| json!({ "sku": line.sku, "quantity": line.quantity, "unit_price": line.pence }))
        .collect();
    let data = json!({
        "order_id": invoice.number,
        "customer": { "id": invoice.customer },
        "currency": "GBP",
        "lines": lines,
    });
    message("till", format!("place-{}", invoice.number), "order.place", &data)
}

fn cancel(invoice: &Invoice) -> Message {
    let data = json!({ "order_id": invoice.number });
    message("till", format!("cancel-{}", invoice.number), "order.cancel", &data)
}

/// The provider's one event about this invoice, in its `delivery`th message.
fn captured(invoice: &Invoice, delivery: u32) -> Message {
    let number = &invoice.number;
    let data = json!({
        "provider": "bank",
        "event_id": format!("paid-{number}"),
        "order_id": number,
        "attempt_id": format!("attempt-{number}"),
        "capture_id": format!("capture-{number}"),
        "kind": "captured",
        "amount": invoice.total(),
        "currency": "GBP",
        "occurred_at": "2011-12-09T12:50:00Z",
    });
    message("bank", format!("hook-{number}-{delivery}"), "payment.callback", &data)
}

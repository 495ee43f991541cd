//! Counts what waits in the store for a person or a provider, for the metrics: orders that a person must look at, refunds
//! without a result, the oldest parked message; and what is free of the disk.
//!
//! It reads lists that are as long as what waits, never all orders, on a thread for blocking work. A count goes on slice by
//! slice. After each slice it rests for a multiple of the time that the slice took, so it takes a small share of one
//! processor, however much waits: a longer list is only counted less often. A count that reads while commands run may miss what
//! changes meanwhile, and the next count has it.

use super::workers::failpoint;
use crate::metrics::Metrics;
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_actors::counters::{self, ParkedReason};
use orderly_actors::journal_entry;
use orderly_actors::states::{self, State as _, part};
use orderly_actors::{parked, tables};
use orderly_domain::event::Event;
use orderly_domain::lists::List;
use orderly_domain::order::{Order, Status};
use orderly_domain::payment::{FoldedContent, FoldedItem, Payments, Refund, RefundState};
use orderly_domain::time::Timestamp;
use orderly_store::{self as store, Direction, Ordinal, Parts, Place, Query, Reader};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The shortest time between two counts.
const REST: Duration = Duration::from_secs(2);
/// A slice is followed by a rest of so many times its own length.
const SHARE: u32 = 50;
/// What a slice looks at, at most: orders whose payments are read, pages of parked messages.
const SLICE: usize = 100;
/// What a slice looks at in the lists themselves.
const EFFORT: usize = 20_000;
/// The units of an order that are looked at for the request of a refund, the newest first.
const HISTORY: usize = 50;
/// The folded refunds of an order that are looked at.
const FOLDED: usize = 200;

/// Why a count ended early. The next one begins again.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    State(#[from] states::Error),
}

/// The count that is under way.
#[derive(Debug, Default)]
struct Census {
    step: Step,
    attention: u64,
    refunds: u64,
    /// When the earliest pending refund was requested.
    earliest: Option<Timestamp>,
    has_warned: bool,
}

/// Where the count is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Step {
    #[default]
    Disk,
    Attention(Option<Place>),
    Refunds(Option<Place>),
    /// From this message on.
    Parked(Ordinal),
    Done,
}

/// What a count needs.
struct Shop {
    reader: Reader,
    path: PathBuf,
    metrics: Metrics,
    clock: SystemClock,
}

/// Counts again and again, until it is aborted. `path` is that of the store.
pub(crate) async fn run(reader: Reader, path: PathBuf, metrics: Metrics) {
    let mut shop = Shop { reader, path, metrics, clock: SystemClock::default() };
    let mut census = Census::default();
    loop {
        failpoint("census");
        let began = shop.clock.monotonic();
        let slice = tokio::task::spawn_blocking(move || {
            census.slice(&shop);
            (census, shop)
        });
        match slice.await {
            Ok(back) => (census, shop) = back,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return, // the runtime ends
        }
        let took = shop.clock.monotonic().saturating_sub(began);
        let rest = took * SHARE;
        if census.step == Step::Done {
            census = Census { has_warned: census.has_warned, ..Census::default() };
            tokio::time::sleep(rest.max(REST)).await;
        } else {
            tokio::time::sleep(rest).await;
        }
    }
}

impl Census {
    fn slice(&mut self, shop: &Shop) {
        let next = match self.step {
            Step::Disk => {
                disk(&shop.path, &shop.metrics);
                Ok(Step::Attention(None))
            }
            Step::Attention(from) => self.attention(shop, from),
            Step::Refunds(from) => self.refunds(shop, from),
            Step::Parked(from) => oldest_parked(shop, from),
            Step::Done => Ok(Step::Done),
        };
        self.step = next.unwrap_or_else(|error| {
            if !self.has_warned {
                tracing::warn!(%error, "what waits in the store cannot be counted");
                self.has_warned = true;
            }
            Step::Done
        });
    }

    fn attention(&mut self, shop: &Shop, from: Option<Place>) -> Result<Step, Error> {
        let lists = [List::Status(Status::UnderReview), List::Attention];
        let (places, next) = select(&shop.reader, &lists, from, EFFORT)?;
        self.attention += places.len() as u64;
        if next.is_some() {
            return Ok(Step::Attention(next));
        }
        shop.metrics.attention(self.attention);
        Ok(Step::Refunds(None))
    }

    fn refunds(&mut self, shop: &Shop, from: Option<Place>) -> Result<Step, Error> {
        let (places, next) = select(&shop.reader, &[List::RefundPending], from, SLICE)?;
        for place in places {
            let parts = Parts::of(&[Order::PART, Payments::PART]);
            let entity = shop.reader.entity(tables::ORDERS, place.ordinal, parts)?;
            let Some(payments) = part::<Payments>(&entity)? else { continue };
            let pending = pending(&shop.reader, &payments)?;
            if pending.is_empty() {
                continue;
            }
            self.refunds += pending.len() as u64;
            let since = requested(&shop.reader, place.ordinal, &pending)?;
            self.earliest = [self.earliest, since].into_iter().flatten().min();
        }
        if next.is_some() {
            return Ok(Step::Refunds(next));
        }
        let now = shop.clock.now();
        let oldest = self.earliest.map(|earliest| now.since(earliest)).unwrap_or_default();
        shop.metrics.refunds_pending(self.refunds, oldest);
        Ok(Step::Parked(Ordinal(0)))
    }
}

/// The first message in the order of their numbers is the oldest. (One that was resolved and came again has its old number.)
fn oldest_parked(shop: &Shop, from: Ordinal) -> Result<Step, Error> {
    let is_any = ParkedReason::ALL
        .iter()
        .any(|reason| shop.reader.counter(counters::of_parked(*reason)) > 0);
    let mut next = Some(from).filter(|_| is_any);
    for _ in 0..SLICE {
        let Some(at) = next else {
            shop.metrics.parked_oldest(Duration::ZERO);
            return Ok(Step::Done);
        };
        let (found, behind) =
            shop.reader.page(tables::PARKED, at, 1, Parts::of(&[parked::ABOUT]))?;
        let about = found.first().and_then(|first| Some((first.ordinal, &first.parts.first()?.1)));
        if let Some((ordinal, about)) = about {
            let received = parked::decode(ordinal, about)?.received_at;
            shop.metrics.parked_oldest(shop.clock.now().since(received));
            return Ok(Step::Done);
        }
        next = behind;
    }
    Ok(next.map_or(Step::Done, Step::Parked))
}

/// The next places in any of some lists, and where it goes on. Nothing while the lists of a store of an earlier build are made.
fn select(
    reader: &Reader,
    lists: &[List],
    from: Option<Place>,
    limit: usize,
) -> Result<(Vec<Place>, Option<Place>), Error> {
    if reader.counter(counters::LISTS_BUILT) == 0 {
        return Ok((Vec::new(), None));
    }
    let any = lists.iter().map(|list| store::List(list.number())).collect();
    let query = Query {
        all_of: vec![any],
        none_of: Vec::new(),
        ranks: (i64::MIN, i64::MAX),
        direction: Direction::Ascending,
        from,
        limit,
        effort: EFFORT,
    };
    let selected = reader.postings().select(&query)?;
    Ok((selected.places, selected.next))
}

/// The refunds of an order that have no result; of a very great number the oldest are left out.
fn pending(reader: &Reader, payments: &Payments) -> Result<Vec<Refund>, Error> {
    let is_pending = |refund: &Refund| refund.state == RefundState::Requested;
    let mut found: Vec<Refund> =
        payments.refunds.iter().filter(|refund| is_pending(refund)).cloned().collect();
    let folded = payments
        .folded
        .as_ref()
        .filter(|folded| folded.sums.money.iter().any(|money| money.requested.0 != 0));
    let mut next = folded.and_then(|folded| folded.newest);
    for _ in 0..FOLDED {
        let Some(ordinal) = next.map(Ordinal) else { break };
        let record = reader.entity(tables::FOLDED, ordinal, Parts::of(&[FoldedItem::PART]))?;
        // the order may be deleted meanwhile
        let Some(item) = part::<FoldedItem>(&record)? else { break };
        next = item.before;
        if let FoldedContent::Refund(refund) = item.content
            && is_pending(&refund)
        {
            found.push(refund);
        }
    }
    Ok(found)
}

/// When the earliest of these refunds was requested: the time of the event. Of a request that is far back in the history of the
/// order, the time of the last unit that was looked at: the refund is at least as old.
fn requested(
    reader: &Reader,
    order: Ordinal,
    pending: &[Refund],
) -> Result<Option<Timestamp>, Error> {
    let mut left: Vec<&Refund> = pending.iter().collect();
    let mut earliest = None;
    for unit in reader.history(tables::ORDERS, order)?.take(HISTORY) {
        let unit = unit?;
        let record = journal_entry::record(&unit)?;
        for event in &record.events {
            if let Event::RefundRequested { refund_id, part, .. } = event {
                left.retain(|refund| refund.id != *refund_id || refund.request != *part);
            }
        }
        earliest = Some(Timestamp::from_micros(unit.at));
        if left.is_empty() {
            break;
        }
    }
    Ok(earliest)
}

/// Shows what is free of the file system. A file system that tells nothing shows nothing.
fn disk(path: &Path, metrics: &Metrics) {
    if let Ok(found) = rustix::fs::statvfs(path) {
        metrics.disk(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize);
    }
}

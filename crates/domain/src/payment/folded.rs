//! What of an order's payments is folded: the older attempts, refunds and disputes of an order that has many.
//!
//! Each folded item is a record of its own. The payments keep the sums of all folded items, so the rules that need only
//! sums need no item. An item that a callback or a command is about is taken back into the payments, and is folded again
//! afterwards.

use super::state::{Attempt, AttemptState, Dispute, DisputeState, Payments, Refund};
use crate::money::Currency;
use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder};

/// The most attempts, refunds, and disputes of one order that its payments keep themselves, of each the newest ones; and
/// the most captures of attempts with several, and the most times of authorizations. (Attempts that ended without money
/// are apart: see [`MOST_ENDED`](super::MOST_ENDED).)
pub const MOST_KEPT: usize = 50;

/// The most attempts that one step asks for money: each request is an event of its unit. Likewise the most attempts of one
/// order that are authorized at the same time: the money of further ones is released at once.
pub const MOST_ASKED: usize = 1_000;

/// An exact sum of amounts, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum(pub i128);

impl Sum {
    /// The sum as an amount. A greater one is shown as the greatest amount.
    pub fn amount(self) -> i64 {
        i64::try_from(self.0).unwrap_or(if self.0 < 0 { i64::MIN } else { i64::MAX })
    }
}

/// A number of up to 64 bits, or else 16 bytes.
impl<C> Encode<C> for Sum {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match i64::try_from(self.0) {
            Ok(sum) => encoder.i64(sum)?.ok(),
            Err(_) => encoder.bytes(&self.0.to_be_bytes())?.ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for Sum {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let at = decoder.position();
        if decoder.datatype()? != minicbor::data::Type::Bytes {
            return decoder.i64().map(|sum| Self(sum.into()));
        }
        let bytes = decoder.bytes()?.try_into();
        let bytes = bytes.map_err(|_| minicbor::decode::Error::message("no sum").at(at))?;
        Ok(Self(i128::from_be_bytes(bytes)))
    }
}

/// An amount of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct CurrencySum {
    /// The currency.
    #[n(0)]
    pub currency: Currency,
    /// Minor units.
    #[n(1)]
    pub sum: Sum,
}

/// Captures of one attempt in one currency that are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct FoldedCaptures {
    /// The currency.
    #[n(0)]
    pub currency: Currency,
    /// How many captures.
    #[n(1)]
    pub count: u64,
    /// Their amounts, in minor units.
    #[n(2)]
    pub sum: Sum,
}

/// What of one attempt is folded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct FoldedOfAttempt {
    /// Its oldest captures. The index has their names.
    #[n(0)]
    pub captures: Vec<FoldedCaptures>,
    /// Its folded refunds that succeeded or are pending.
    #[n(1)]
    pub refunds: Vec<CurrencySum>,
}

/// The folded items of one order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Folded {
    /// The number of the attempt that was folded last or is folded with the greatest number.
    #[n(0)]
    pub last_attempt: u32,
    /// How often an item was folded that was not folded before: the next place in their order.
    #[n(1)]
    pub places: u64,
    /// The record that was made last. Each names the one before.
    #[n(2)]
    pub newest: Option<u64>,
    /// The index has names of captures without an id, or of authorizations, that are not kept.
    #[n(3)]
    pub has_names: bool,
    /// The sums of the items.
    #[n(4)]
    pub sums: FoldedSums,
    /// What was to be asked back and was not, since more than [`MOST_ASKED`] attempts hold it.
    #[n(5)]
    pub not_asked: Vec<CurrencySum>,
}

/// The sums of folded items. Signed, so that an audit can compare them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct FoldedSums {
    /// Attempts.
    #[n(0)]
    pub attempts: i64,
    /// Attempts that have brought no money and may still bring some.
    #[n(1)]
    pub open: i64,
    /// Attempts with something to void that was not asked for.
    #[n(2)]
    pub voidable: i64,
    /// Refunds: whole ones, or parts.
    #[n(3)]
    pub refunds: i64,
    /// Refunds with money that an earlier build requested of nobody in particular.
    #[n(4)]
    pub unnamed: i64,
    /// Open disputes.
    #[n(5)]
    pub open_disputes: i64,
    /// Disputes that were won.
    #[n(6)]
    pub won_disputes: i64,
    /// Disputes that were lost.
    #[n(7)]
    pub lost_disputes: i64,
    /// The money, by currency, in the order of the codes.
    #[n(8)]
    pub money: Vec<FoldedMoney>,
}

/// The money of folded items in one currency, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct FoldedMoney {
    /// The currency.
    #[n(0)]
    pub currency: Currency,
    /// Captured for the attempts.
    #[n(1)]
    pub captured: Sum,
    /// Authorized, and may still be captured.
    #[n(2)]
    pub authorized: Sum,
    /// What of that was not asked for.
    #[n(3)]
    pub capturable: Sum,
    /// What providers were asked to capture and have not captured.
    #[n(4)]
    pub capture_requested: Sum,
    /// Refunds that are pending.
    #[n(5)]
    pub requested: Sum,
    /// Refunds that succeeded.
    #[n(6)]
    pub refunded: Sum,
    /// Refunds that failed.
    #[n(7)]
    pub failed: Sum,
}

impl FoldedMoney {
    /// No money.
    pub const fn none(currency: Currency) -> Self {
        let none = Sum(0);
        Self {
            currency,
            captured: none,
            authorized: none,
            capturable: none,
            capture_requested: none,
            requested: none,
            refunded: none,
            failed: none,
        }
    }
}

/// The record of a folded item.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct FoldedItem {
    /// The number of its order.
    #[n(0)]
    pub order: u64,
    /// The record of the same order that was made before this one.
    #[n(1)]
    pub before: Option<u64>,
    /// The place of the item among the folded items of its kind.
    #[n(2)]
    pub place: u64,
    /// Of refunds with the same id: in the record that was made first, the record that was made last; in every other one, the
    /// record that was made before it, unless that is the first.
    #[n(3)]
    pub same_id: Option<u64>,
    /// The item.
    #[n(4)]
    pub content: FoldedContent,
}

/// A folded item.
///
/// Stored by the number of its variant: new ones go to the end.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum FoldedContent {
    /// The payments keep the item again, or it is gone.
    #[n(0)]
    Nothing,
    /// An attempt.
    #[n(1)]
    Attempt(#[n(0)] Attempt),
    /// A refund, or a part of one.
    #[n(2)]
    Refund(#[n(0)] Refund),
    /// A dispute.
    #[n(3)]
    Dispute(#[n(0)] Dispute),
    /// The folded refunds that succeeded or are pending of an attempt that no other callback has named.
    #[n(4)]
    RefundsOfUnknownAttempt(#[n(0)] Vec<CurrencySum>),
}

/// Adds `amount` to the sum in `currency`. A sum of 0 is not kept.
pub fn add_to(sums: &mut Vec<CurrencySum>, currency: Currency, amount: i128) {
    match sums.iter_mut().find(|one| one.currency == currency) {
        Some(known) => known.sum.0 += amount,
        None => sums.push(CurrencySum { currency, sum: Sum(amount) }),
    }
    sums.retain(|one| one.sum.0 != 0);
}

impl Payments {
    /// What was to be asked back in `currency` and was not, in minor units.
    pub fn not_asked(&self, currency: Currency) -> i64 {
        let sums = self.folded.iter().flat_map(|folded| &folded.not_asked);
        Sum(sums.filter(|one| one.currency == currency).map(|one| one.sum.0).sum()).amount()
    }

    /// The sums of the folded items; all 0 when nothing is folded.
    pub fn folded_money(&self, currency: Currency) -> FoldedMoney {
        let money = self.folded.iter().flat_map(|folded| &folded.sums.money);
        let mut money = money.filter(|one| one.currency == currency);
        money.next().copied().unwrap_or_else(|| FoldedMoney::none(currency))
    }
}

impl FoldedSums {
    /// Adds an item.
    pub fn add(&mut self, content: &FoldedContent) {
        self.count(content, 1);
    }

    /// Takes an item out.
    pub fn subtract(&mut self, content: &FoldedContent) {
        self.count(content, -1);
    }

    /// Adds all items of other sums.
    pub fn add_all(&mut self, other: &Self) {
        self.combine(other, 1);
    }

    /// Takes all items of other sums out.
    pub fn subtract_all(&mut self, other: &Self) {
        self.combine(other, -1);
    }

    fn combine(&mut self, other: &Self, sign: i64) {
        self.attempts += sign * other.attempts;
        self.open += sign * other.open;
        self.voidable += sign * other.voidable;
        self.refunds += sign * other.refunds;
        self.unnamed += sign * other.unnamed;
        self.open_disputes += sign * other.open_disputes;
        self.won_disputes += sign * other.won_disputes;
        self.lost_disputes += sign * other.lost_disputes;
        let factor = i128::from(sign);
        for other in &other.money {
            self.change(other.currency, |money| {
                money.captured.0 += factor * other.captured.0;
                money.authorized.0 += factor * other.authorized.0;
                money.capturable.0 += factor * other.capturable.0;
                money.capture_requested.0 += factor * other.capture_requested.0;
                money.requested.0 += factor * other.requested.0;
                money.refunded.0 += factor * other.refunded.0;
                money.failed.0 += factor * other.failed.0;
            });
        }
    }

    fn count(&mut self, content: &FoldedContent, sign: i64) {
        match content {
            FoldedContent::Nothing | FoldedContent::RefundsOfUnknownAttempt(_) => {}
            FoldedContent::Attempt(attempt) => self.count_attempt(attempt, sign),
            FoldedContent::Refund(refund) => self.count_refund(refund, sign),
            FoldedContent::Dispute(dispute) => match dispute.state {
                DisputeState::Open => self.open_disputes += sign,
                DisputeState::Won => self.won_disputes += sign,
                DisputeState::Lost => self.lost_disputes += sign,
            },
        }
    }

    fn count_attempt(&mut self, attempt: &Attempt, sign: i64) {
        self.attempts += sign;
        self.open += if attempt.is_open() { sign } else { 0 };
        self.voidable += if attempt.is_voidable() { sign } else { 0 };
        let factor = i128::from(sign);
        for CurrencySum { currency, sum } in attempt.captured_by_currency() {
            self.change(currency, |money| money.captured.0 += factor * sum.0);
        }
        if let Some(currency) = attempt.currency {
            let open = factor * i128::from(attempt.open_amount(currency));
            let capturable = factor * i128::from(attempt.capturable(currency));
            let requested = factor * i128::from(attempt.capture_requested);
            self.change(currency, |money| {
                money.authorized.0 += open;
                money.capturable.0 += capturable;
                money.capture_requested.0 += requested;
            });
        }
    }

    fn count_refund(&mut self, refund: &Refund, sign: i64) {
        self.refunds += sign;
        if refund.provider.is_none() && refund.amount > 0 {
            self.unnamed += sign;
        }
        let factor = i128::from(sign);
        self.change(refund.currency, |money| {
            money.requested.0 += factor * i128::from(refund.pending());
            money.refunded.0 += factor * i128::from(refund.sent_back());
            money.failed.0 += factor * i128::from(refund.failed());
        });
    }

    /// Changes the money in one currency. A currency without money is not kept.
    fn change(&mut self, currency: Currency, change: impl FnOnce(&mut FoldedMoney)) {
        let place = self.money.iter().position(|one| one.currency == currency);
        let place = place.unwrap_or_else(|| {
            self.money.push(FoldedMoney::none(currency));
            self.money.sort_unstable_by_key(|one| one.currency.code());
            self.money.iter().position(|one| one.currency == currency).unwrap_or_default()
        });
        change(&mut self.money[place]);
        self.money.retain(|one| *one != FoldedMoney::none(one.currency));
    }
}

impl Attempt {
    /// All that was captured, by currency.
    pub fn captured_by_currency(&self) -> Vec<CurrencySum> {
        let mut sums = Vec::new();
        for capture in &self.captures {
            add_to(&mut sums, capture.currency, capture.amount.into());
        }
        for folded in self.folded.iter().flat_map(|folded| &folded.captures) {
            add_to(&mut sums, folded.currency, folded.sum.0);
        }
        sums
    }

    /// Whether any money was captured for the attempt.
    pub fn has_captured(&self) -> bool {
        !self.captures.is_empty() || self.folded.iter().any(|folded| !folded.captures.is_empty())
    }

    /// How many captures there were.
    pub fn capture_count(&self) -> u64 {
        let folded = self.folded.iter().flat_map(|folded| &folded.captures);
        self.captures.len() as u64 + folded.map(|captures| captures.count).sum::<u64>()
    }

    /// The folded refunds in `currency` that succeeded or are pending.
    pub fn folded_refunds(&self, currency: Currency) -> i128 {
        let sums = self.folded.iter().flat_map(|folded| &folded.refunds);
        sums.filter(|one| one.currency == currency).map(|one| one.sum.0).sum()
    }

    /// Whether the attempt has something to void that was not asked for.
    pub fn is_voidable(&self) -> bool {
        let is_authorized = self.state == AttemptState::Authorized && !self.void_requested;
        is_authorized || self.currency.is_some_and(|currency| self.open_amount(currency) > 0)
    }

    /// What of its authorization in `currency` is open and not asked for yet, in minor units.
    pub fn capturable(&self, currency: Currency) -> i64 {
        (self.open_amount(currency) - self.capture_requested).max(0)
    }
}

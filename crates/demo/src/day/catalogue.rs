//! The skus of the shop, and the quantities that customers buy.
//!
//! The weights follow the public "Online Retail" data set (Chen 2015, a gift wholesaler's year).
//! Only its proportions are here: lines an order, units a line, prices, and the share of the best-selling tenth.

use crate::random::Random;

/// The stock of a plentiful sku in the morning. No day sells as much, so the outcome of an order for such a sku does not depend on
/// the time at which a hold expires.
const PLENTY: u64 = 1_000_000;

/// One sku in this many is scarce.
const SCARCE_EVERY: u64 = 29;

/// Lines an order. (The sample's longest order, 265 lines, is a story of its own.)
const LINES: &[(u64, (u64, u64))] = &[
    (733, (1, 1)),
    (120, (2, 2)),
    (53, (3, 3)),
    (23, (4, 4)),
    (45, (5, 9)),
    (21, (10, 19)),
    (5, (20, 60)),
];

/// Units a line: singles, then what fits in a carton.
const UNITS: &[(u64, (u64, u64))] = &[
    (406, (1, 1)),
    (142, (2, 2)),
    (106, (3, 4)),
    (15, (5, 5)),
    (67, (6, 6)),
    (49, (7, 11)),
    (91, (12, 12)),
    (36, (24, 24)),
    (38, (25, 48)),
    (14, (49, 200)),
    (2, (201, 4_800)),
];

/// Prices in minor units. Some things are given away.
const PRICES: &[(u64, (u64, u64))] = &[
    (36, (0, 0)),
    (80, (19, 39)),
    (47, (42, 42)),
    (57, (85, 85)),
    (88, (125, 125)),
    (130, (126, 195)),
    (42, (295, 295)),
    (36, (375, 375)),
    (150, (196, 425)),
    (110, (426, 695)),
    (90, (696, 995)),
    (45, (996, 2_500)),
    (4, (2_501, 64_950)),
];

/// One line of an order or a cart.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) sku: String,
    pub(super) quantity: u64,
    pub(super) unit_price: u64,
}

impl Line {
    pub(super) fn amount(&self) -> u64 {
        self.quantity * self.unit_price
    }
}

/// The skus of one shop. A sku's price is the same all day.
#[derive(Debug, Clone)]
pub(super) struct Catalogue {
    skus: u64,
}

impl Catalogue {
    /// About as many skus to an order as in the sample: two for one, up to a warehouse full.
    pub(super) fn for_orders(orders: u64) -> Self {
        Self { skus: (orders * 2).clamp(300, 4_000) }
    }

    /// Every sku with its stock in the morning.
    pub(super) fn stock(&self) -> impl Iterator<Item = (String, u64)> {
        (0..self.skus).map(|index| {
            let on_hand = if is_scarce(index) { traits(index).below(60) } else { PLENTY };
            (name(index), on_hand)
        })
    }

    /// The lines of an order of ordinary size, each of another sku.
    pub(super) fn basket(&self, random: &mut Random, scarce: Scarce) -> Vec<Line> {
        let (least, most) = random.weighted(LINES);
        let lines = random.between(least, most);
        self.lines(random, lines, scarce)
    }

    /// `count` lines, each of another sku.
    pub(super) fn lines(&self, random: &mut Random, count: u64, scarce: Scarce) -> Vec<Line> {
        let mut taken = Vec::new();
        while (taken.len() as u64) < count {
            let index = self.popular(random);
            let allowed = scarce == Scarce::Too || !is_scarce(index);
            if allowed && !taken.contains(&index) {
                taken.push(index);
            }
        }
        taken.into_iter().map(|index| Self::line(random, index)).collect()
    }

    /// One plentiful sku.
    pub(super) fn plentiful(&self, random: &mut Random) -> String {
        loop {
            let index = random.below(self.skus);
            if !is_scarce(index) {
                return name(index);
            }
        }
    }

    /// One sku of which there are fewer than sixty.
    pub(super) fn scarce(&self, random: &mut Random) -> String {
        name(random.below(self.skus / SCARCE_EVERY) * SCARCE_EVERY + SCARCE_EVERY - 1)
    }

    fn line(random: &mut Random, index: u64) -> Line {
        let (least, most) = random.weighted(UNITS);
        let mut traits = traits(index);
        let (cheapest, dearest) = traits.weighted(PRICES);
        Line {
            sku: name(index),
            quantity: random.between(least, most),
            unit_price: traits.between(cheapest, dearest),
        }
    }

    /// A tenth of the skus make a fifth of the trade.
    fn popular(&self, random: &mut Random) -> u64 {
        if random.per_mille(111) { random.below(self.skus / 10) } else { random.below(self.skus) }
    }
}

/// Whether a basket may hold scarce skus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scarce {
    Too,
    Not,
}

/// The random properties of a sku, the same on every call.
fn traits(index: u64) -> Random {
    Random::new(index.wrapping_mul(0xD6E8_FEB8_6659_FD93))
}

fn is_scarce(index: u64) -> bool {
    index % SCARCE_EVERY == SCARCE_EVERY - 1
}

fn name(index: u64) -> String {
    format!("SKU-{index:05}")
}

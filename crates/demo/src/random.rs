//! Numbers that only look random: the same seed gives the same ones, on every machine, for ever.

/// A `SplitMix64` sequence (Steele, Lea and Flood 2014): small, fast, and good enough to shop with.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, any of them all.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// One of `0..bound`. The bias of the remainder is far below what a shop could notice.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound.max(1)
    }

    /// One of `least..=most`.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// True in `share` of a thousand cases.
    pub fn per_mille(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }

    /// One of the table's values, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, table: &[(u64, T)]) -> T {
        let total = table.iter().map(|(weight, _)| weight).sum();
        let mut point = self.below(total);
        for (weight, value) in table {
            if point < *weight {
                return *value;
            }
            point -= weight;
        }
        unreachable!("a point below the sum of the weights lies in one of them")
    }
}

//! Numbers from a seed: the same seed gives the same ones, on every machine.

/// A generator of numbers that only look random. (Which numbers a seed gives is the choice of the `fastrand` crate, and
/// may change with its version.)
#[derive(Debug, Clone)]
pub struct Random(fastrand::Rng);

impl Random {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// The next number, any of them all.
    pub fn number(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// One of `0..bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.u64(..bound.max(1))
    }

    /// One of `least..=most`.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0.u64(least..=most)
    }

    /// A place in a list of that length; 0 in an empty one.
    pub fn index(&mut self, length: usize) -> usize {
        self.0.usize(..length.max(1))
    }

    /// True in `share` of a thousand cases.
    pub fn per_mille(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }

    /// True once in so many cases; never for 0.
    pub fn one_in(&mut self, cases: u64) -> bool {
        cases > 0 && self.below(cases) == 0
    }

    /// One of the list's values. Panics when there is none.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.index(list.len())]
    }

    /// One of the table's values, each as often as its weight says. Panics when all weights are 0.
    pub fn weighted<T: Copy>(&mut self, table: &[(u64, T)]) -> T {
        let mut point = self.below(table.iter().map(|(weight, _)| weight).sum());
        for (weight, value) in table {
            if point < *weight {
                return *value;
            }
            point -= weight;
        }
        unreachable!("a point below the sum of the weights lies in one of them")
    }

    /// Puts a list in another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        self.0.shuffle(list);
    }

    /// A generator of its own: what one part draws does not change what another does.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.0.fork())
    }
}

//! Random numbers from a seed: the same seed gives the same numbers on every machine.

/// A generator of pseudo-random numbers. (The crate `fastrand` makes them; another version may make others from the same seed.)
#[derive(Debug, Clone)]
pub struct Random(fastrand::Rng);

impl Random {
    /// A generator with this seed.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// The next number of 64 bits.
    pub fn number(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// A number in `0..bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.u64(..bound.max(1))
    }

    /// A number in `least..=most`.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0.u64(least..=most)
    }

    /// An index into a list of this length; 0 for an empty list.
    pub fn index(&mut self, length: usize) -> usize {
        self.0.usize(..length.max(1))
    }

    /// True in `share` of 1,000 cases.
    pub fn per_mille(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }

    /// True in one of `cases` cases; never for 0.
    pub fn one_in(&mut self, cases: u64) -> bool {
        cases > 0 && self.below(cases) == 0
    }

    /// A value of the list. Panics when the list is empty.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.index(list.len())]
    }

    /// A value of the table, with a probability by its weight. Panics when all weights are 0.
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

    /// A second generator, so that the numbers of one part do not change those of another.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.0.fork())
    }
}

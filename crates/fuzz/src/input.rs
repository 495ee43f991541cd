//! The input of a number.

use crate::mutation::mutate;
use crate::random::Random;
use crate::targets::Target;

/// The inputs of a target under a seed.
#[derive(Debug)]
pub struct Inputs<'a> {
    target: &'a Target,
    seed: u64,
}

impl<'a> Inputs<'a> {
    /// The inputs of a target. Every target has others under the same seed.
    pub fn new(target: &'a Target, seed: u64) -> Self {
        let of_name = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let seed = target.name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, of_name);
        Self { target, seed }
    }

    /// The input with this number. The first ones are the samples as they are.
    pub fn input(&self, number: u64) -> Vec<u8> {
        let samples = &self.target.samples;
        let sample = usize::try_from(number).ok().and_then(|number| samples.get(number));
        if let Some(sample) = sample {
            return sample.clone();
        }
        let mut random = Random::new(self.seed, number);
        let mut input = random.of(samples).clone();
        for _ in 0..=random.below(4) {
            mutate(&mut input, self.target.form, samples, &mut random);
        }
        input
    }
}

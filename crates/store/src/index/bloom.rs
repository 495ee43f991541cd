//! The Bloom filter of a run.

/// The bits of the filter for each entry. With [`FILTER_PROBES`] bits set for each, one absent hash in 300 passes.
pub(crate) const FILTER_BITS: usize = 12;
const FILTER_PROBES: u32 = 8;

/// The bits that stand for a hash in a filter of `bits` bits. They are derived from the second half of the hash. The
/// first half does not serve: entries are sorted by it, so its upper bits are nearly the same within a run.
pub(crate) fn probes(hash: &[u8; 16], bits: usize) -> impl Iterator<Item = usize> + use<> {
    let half = hash.last_chunk::<8>().map_or(0, |half| u64::from_le_bytes(*half));
    let (start, step) = (half & 0xffff_ffff, half >> 32 | 1);
    // The upper half of the product scales a 32-bit number to the number of bits, which is below 2^32.
    (0..u64::from(FILTER_PROBES)).map(move |probe| {
        let spread = (start.wrapping_add(probe.wrapping_mul(step))) & 0xffff_ffff;
        usize::try_from((spread * bits as u64) >> 32).unwrap_or(0)
    })
}

//! Sizes as people write them: a whole number and its unit.
//!
//! A number without a unit is refused. A printed size is exact, so it can be read back and is the same. The crates for
//! human-readable sizes round, which is why there is a table of units here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::parsed_text::parsed_text;

/// The units, the largest first in each family. The binary ones come first, since they are preferred in print.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// A number of bytes, such as `"64KiB"`, `"256MiB"` or `"1MB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

/// Why a text is not a [`ByteSize`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// A number without a unit.
    #[error("a size needs its unit, such as \"64KiB\" or \"256MiB\"")]
    NoUnit,
    /// The text does not begin with a whole number.
    #[error("a size is a whole number and a unit, such as \"64KiB\" or \"256MiB\"")]
    NoNumber,
    /// The unit is not in the table.
    #[error("the unit of a size is one of B, KB, MB, GB, TB, KiB, MiB, GiB, TiB")]
    UnknownUnit,
    /// More than the largest size.
    #[error("a size cannot be larger than 8192TiB")]
    TooLarge,
}

impl ByteSize {
    /// The largest size: beyond any disk, and within the signed integers of TOML and `usize`.
    const MAX: u64 = 1 << 53;

    /// A number of KiB (1024 bytes).
    pub const fn from_kib(kib: u64) -> Self {
        Self(kib << 10)
    }

    /// A number of MiB (1024 KiB).
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Mebibytes.
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib << 20)
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The number of bytes as a length in memory; `usize::MAX` where it does not fit.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim_start();
        if number.is_empty() || unit.starts_with('.') {
            return Err(SizeError::NoNumber);
        }
        if unit.is_empty() {
            return Err(SizeError::NoUnit);
        }
        let (_, factor) = UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .ok_or(SizeError::UnknownUnit)?;
        // The number has only digits, so it can only be too large.
        let number: u64 = number.parse().map_err(|_| SizeError::TooLarge)?;
        let bytes = number.checked_mul(*factor).filter(|bytes| *bytes <= Self::MAX);
        bytes.map(Self).ok_or(SizeError::TooLarge)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = |(_, factor): &&(&str, u64)| self.0 != 0 && self.0.is_multiple_of(*factor);
        let (unit, factor) = UNITS.iter().find(exact).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed_text(deserializer, "a size with its unit in quotes, such as \"64KiB\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_size_is_a_number_and_a_unit() {
        let cases = [
            ("64KiB", 65_536),
            ("256MiB", 268_435_456),
            ("1MB", 1_000_000),
            ("512 B", 512),
            ("2gib", 2_147_483_648),
            ("0B", 0),
        ];
        for (text, wanted) in cases {
            assert_eq!(text.parse(), Ok(ByteSize(wanted)), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_size_is_refused_with_its_reason() {
        let cases = [
            ("65536", SizeError::NoUnit),
            ("0", SizeError::NoUnit),
            ("", SizeError::NoNumber),
            ("KiB", SizeError::NoNumber),
            ("-1KiB", SizeError::NoNumber),
            ("1.5MiB", SizeError::NoNumber),
            ("64K", SizeError::UnknownUnit),
            ("64 elephants", SizeError::UnknownUnit),
            ("9000TiB", SizeError::TooLarge),
            ("99999999999999999999999B", SizeError::TooLarge),
        ];
        for (text, wanted) in cases {
            assert_eq!(text.parse::<ByteSize>(), Err(wanted), "{text}");
        }
    }

    #[test]
    fn the_largest_exact_unit_is_printed() {
        assert_eq!(ByteSize::from_kib(64).to_string(), "64KiB");
        assert_eq!(ByteSize::from_mib(1024).to_string(), "1GiB");
        assert_eq!(ByteSize(1_000_000).to_string(), "1MB");
        assert_eq!(ByteSize(1_000_001).to_string(), "1000001B");
        assert_eq!(ByteSize(0).to_string(), "0B");
    }

    proptest! {
        #[test]
        fn a_printed_size_reads_back(bytes in 0..=ByteSize::MAX) {
            let size = ByteSize(bytes);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }
    }
}

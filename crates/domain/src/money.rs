//! Money as integer minor units beside an ISO 4217 currency, and quantities.

use crate::canonical::{Canonical, Form, Member, canonical};
use crate::codec::stored_number;
use crate::id::Sku;
use crate::text::shown;
use compact_str::CompactString;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// An ISO 4217 currency. In JSON it is its code, in stored records its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "CompactString")]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The currency with this upper-case three-letter code. `None`: there is none.
    pub fn from_code(code: &str) -> Option<Self> {
        iso_currency::Currency::from_code(code).map(Self)
    }

    /// The three-letter code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// An amount of minor units as people write it, such as `-12.50 EUR` or `1250 JPY`. Only for texts that
    /// people read: programs exchange money as integers.
    pub fn show(self, minor_units: i64) -> String {
        let digits = u32::from(self.0.exponent().unwrap_or(0));
        let one = 10_u64.pow(digits);
        let (sign, amount) = (if minor_units < 0 { "-" } else { "" }, minor_units.unsigned_abs());
        let code = self.code();
        match usize::try_from(digits) {
            Ok(0) | Err(_) => format!("{sign}{amount} {code}"),
            Ok(digits) => format!("{sign}{}.{:0digits$} {code}", amount / one, amount % one),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text is not the code of a currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an ISO 4217 currency code such as EUR, not {:?}", shown(.0))]
pub struct NoCurrency(pub String);

impl TryFrom<CompactString> for Currency {
    type Error = NoCurrency;
    fn try_from(code: CompactString) -> Result<Self, NoCurrency> {
        Self::from_code(&code).ok_or_else(|| NoCurrency(code.into()))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

stored_number!(Currency: |this| this.0.numeric(), |number: u16| {
    iso_currency::Currency::from_numeric(number).map(Self)
});

impl Canonical for Currency {
    fn write(&self, form: &mut Form) -> Member {
        form.text(self.code())
    }
}

impl schemars::JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 code"
        })
    }
}

macro_rules! bounded {
    ($($(#[$doc:meta])* $name:ident($kind:ty)$( of $unit:literal)?: $least:expr, $most:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name($kind);

        impl $name {
            /// The smallest value.
            pub const LEAST: $kind = $least;
            /// The largest value.
            pub const MOST: $kind = $most;

            /// `value`, if it is within the bounds.
            pub fn new(value: $kind) -> Option<Self> {
                (Self::LEAST..=Self::MOST).contains(&value).then_some(Self(value))
            }

            /// The plain number.
            pub fn get(self) -> $kind {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::{Error, Unexpected, Visitor};
                struct Bounds;
                impl Visitor<'_> for Bounds {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        let unit = concat!("" $(, " of ", $unit)?);
                        write!(f, "a whole number{unit} from {} to {}", $name::LEAST, $name::MOST)
                    }

                    fn visit_u64<E: Error>(self, value: u64) -> Result<$name, E> {
                        let known = <$kind>::try_from(value).ok().and_then($name::new);
                        known.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
                    }

                    fn visit_i64<E: Error>(self, value: i64) -> Result<$name, E> {
                        let known = <$kind>::try_from(value).ok().and_then($name::new);
                        known.ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
                    }
                }
                deserializer.deserialize_i64(Bounds)
            }
        }

        stored_number!($name: |this| this.0, |number: $kind| Self::new(number));

        impl $crate::canonical::Canonical for $name {
            #[inline]
            fn write(&self, form: &mut $crate::canonical::Form) -> $crate::canonical::Member {
                form.integer(self.0)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "integer", "minimum": Self::LEAST, "maximum": Self::MOST
                })
            }
        }
    )*};
}

/// The most units of one line.
pub const MOST_UNITS: u32 = 1_000_000;
/// The most units of one sku on hand, and the largest change of them. Sums of such numbers stay far below overflow.
pub const MOST_ON_HAND: u64 = 1_000_000_000_000;

bounded! {
    /// Units of a sku in an order line, 1 to 1,000,000.
    Quantity(u32): 1, MOST_UNITS;
    /// The new quantity of a cart line, 0 to 1,000,000. 0 removes the line.
    LineQuantity(u32): 0, MOST_UNITS;
    /// A signed change of a cart line's quantity, up to 1,000,000 in either direction.
    QuantityChange(i32): -1_000_000, 1_000_000;
    /// Units on hand, 0 to 10^12.
    OnHand(u64): 0, MOST_ON_HAND;
    /// A signed change of the units on hand, up to 10^12 in either direction.
    StockChange(i64): -1_000_000_000_000, 1_000_000_000_000;
    /// The price of one unit, in minor units: 0 or more.
    UnitPrice(i64) of "minor units": 0, i64::MAX;
    /// An amount in minor units: 1 or more.
    PositiveAmount(i64) of "minor units": 1, i64::MAX;
    /// An amount in minor units: 0 or more.
    NonNegativeAmount(i64) of "minor units": 0, i64::MAX;
    /// An amount in minor units, of either sign.
    SignedAmount(i64) of "minor units": i64::MIN, i64::MAX;
}

/// A signed adjustment of an order's total: shipping, a discount, a fee.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Encode, Decode,
)]
pub struct Adjustment {
    /// The kind of adjustment, in the shop's words (at most 128 bytes).
    #[n(0)]
    pub kind: crate::text::ShortText,
    /// The amount in minor units; negative for a discount.
    #[serde(deserialize_with = "minor_units")]
    #[n(1)]
    pub amount: i64,
}

/// An amount of either sign.
fn minor_units<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    SignedAmount::deserialize(deserializer).map(SignedAmount::get)
}

canonical!(Adjustment {
    amount = "amount",
    kind = "kind",
});

/// One line of an order.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Encode, Decode,
)]
pub struct Line {
    /// The article.
    #[n(0)]
    pub sku: Sku,
    /// The number of units.
    #[n(1)]
    pub quantity: Quantity,
    /// The price of one unit, in minor units.
    #[n(2)]
    pub unit_price: UnitPrice,
    /// The name of the article when it was bought.
    #[n(3)]
    pub name: Option<crate::text::Text>,
}

canonical!(Line {
    name = "name",
    quantity = "quantity",
    sku = "sku",
    unit_price = "unit_price",
});

/// Why lines and adjustments have no valid total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TotalError {
    /// The sum of the lines does not fit into 64 bits.
    #[error("the total is too large")]
    Overflow,
    /// The sum of the lines fits into 64 bits, and with the adjustments it does not.
    #[error("the total is too large")]
    AdjustedOverflow,
    /// The sum is below 0.
    #[error("the total is below 0")]
    Negative,
}

impl TotalError {
    /// The field that is wrong. Prices are not below 0, so only adjustments make a total below 0.
    pub fn field(self) -> &'static str {
        match self {
            Self::Overflow => "lines",
            Self::AdjustedOverflow | Self::Negative => "adjustments",
        }
    }
}

/// The total in minor units: Σ quantity × unit price + Σ adjustments. An error if it is below 0 or does not fit into 64
/// bits.
pub fn total<'a>(
    lines: impl IntoIterator<Item = (Quantity, UnitPrice)>,
    adjustments: impl IntoIterator<Item = &'a Adjustment>,
) -> Result<i64, TotalError> {
    let mut sum: i128 = 0; // 500 lines of 10^6 × i64::MAX stay below 2^93
    for (quantity, price) in lines {
        sum += i128::from(quantity.get()) * i128::from(price.get());
    }
    let of_lines = sum;
    for adjustment in adjustments {
        sum += i128::from(adjustment.amount);
    }
    if sum < 0 {
        return Err(TotalError::Negative);
    }
    i64::try_from(sum).map_err(|_| match i64::try_from(of_lines) {
        Ok(_) => TotalError::AdjustedOverflow,
        Err(_) => TotalError::Overflow,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_shown_with_the_digits_of_its_currency() {
        for (code, amount, shown) in [
            ("EUR", 1250, "12.50 EUR"),
            ("EUR", 5, "0.05 EUR"),
            ("EUR", 0, "0.00 EUR"),
            ("EUR", -1250, "-12.50 EUR"),
            ("EUR", i64::MIN, "-92233720368547758.08 EUR"),
            ("JPY", 1250, "1250 JPY"),
            ("KWD", 1250, "1.250 KWD"),
        ] {
            let currency = Currency::from_code(code).expect("is a currency");
            assert_eq!(currency.show(amount), shown);
        }
    }
}

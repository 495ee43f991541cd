//! The fields of every command, and the valid values of each.

use crate::time::MINUTE;
use Shape::{
    Currency, Flag, Id, Json, List, Object, Replacement, Span, Text, Texts, Time, Whole, Word,
};

/// The valid values of a field.
pub(super) enum Shape {
    /// 1 to 128 printable ASCII characters, no spaces.
    Id,
    /// Any text of at most this number of bytes.
    Text(usize),
    /// A whole number between two bounds.
    Whole(i64, i64),
    /// True or false; absent means false.
    Flag,
    /// An ISO 4217 code.
    Currency,
    /// An RFC 3339 time.
    Time,
    /// A duration with a unit, longer than 0 and at most a hundred years.
    Span,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An object with these fields.
    Object(&'static [Field]),
    /// A list with this number of objects with these fields; absent means empty.
    List(std::ops::RangeInclusive<usize>, &'static [Field]),
    /// The same, and absent is not the same as empty.
    Replacement(std::ops::RangeInclusive<usize>, &'static [Field]),
    /// Texts: at most this number, each of at most this number of bytes.
    Texts(usize, usize),
    /// Any JSON object of at most this number of bytes as compact JSON.
    Json(usize),
}

pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) is_required: bool,
}

const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, is_required: true }
}

const fn optional(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, is_required: false }
}

/// The largest quantity of one line.
pub(crate) const MOST_UNITS: i64 = 1_000_000;
/// The most lines of an order or a cart.
pub(crate) const MOST_LINES: usize = 500;
/// The most units of one sku on hand, and the largest change of them.
const MOST_STOCK: i64 = 1_000_000_000_000;
/// The longest duration: a hundred years, in microseconds.
pub(super) const LONGEST: i64 = 36_500 * 24 * 60 * MINUTE;

const VERSION: Field = optional("expected_version", Whole(0, i64::MAX));
const HOLD_FOR: Field = optional("hold_for", Span);
const CONFIRM_ON: Field = optional("confirm_on", Word(&["capture", "authorization"]));
const ADJUSTMENT: &[Field] =
    &[required("kind", Text(128)), required("amount", Whole(i64::MIN, i64::MAX))];
const ADJUSTMENTS: Field = optional("adjustments", List(0..=MOST_LINES, ADJUSTMENT));
const CUSTOMER: &[Field] =
    &[required("id", Id), optional("email", Text(512)), optional("phone", Text(128))];
const ADDRESS: &[Field] = &[
    optional("name", Text(512)),
    optional("company", Text(512)),
    required("lines", Texts(10, 512)),
    optional("city", Text(512)),
    optional("region", Text(512)),
    optional("postal_code", Text(512)),
    optional("country", Text(512)),
];
const SHIPPING_ADDRESS: Field = optional("shipping_address", Object(ADDRESS));
const BILLING_ADDRESS: Field = optional("billing_address", Object(ADDRESS));
const METADATA: Field = optional("metadata", Json(4096));

/// The fields of every command.
pub(super) const COMMANDS: &[(&str, &[Field])] = &[
    (
        "stock.set",
        &[
            required("sku", Id),
            required("on_hand", Whole(0, MOST_STOCK)),
            optional("low_at", Whole(0, MOST_STOCK)),
            VERSION,
        ],
    ),
    (
        "stock.adjust",
        &[
            required("sku", Id),
            required("delta", Whole(-MOST_STOCK, MOST_STOCK)),
            optional("reason", Text(512)),
        ],
    ),
    (
        "cart.put",
        &[
            required("cart_id", Id),
            required("sku", Id),
            required("quantity", Whole(0, MOST_UNITS)),
            required("unit_price", Whole(0, i64::MAX)),
            required("currency", Currency),
            optional("name", Text(512)),
            VERSION,
        ],
    ),
    (
        "cart.add",
        &[
            required("cart_id", Id),
            required("sku", Id),
            required("quantity", Whole(-MOST_UNITS, MOST_UNITS)),
            required("unit_price", Whole(0, i64::MAX)),
            required("currency", Currency),
            optional("name", Text(512)),
            VERSION,
        ],
    ),
    ("cart.clear", &[required("cart_id", Id), VERSION]),
    ("cart.merge", &[required("from_cart_id", Id), required("into_cart_id", Id)]),
    (
        "cart.checkout",
        &[
            required("cart_id", Id),
            required("order_id", Id),
            required("customer", Object(CUSTOMER)),
            ADJUSTMENTS,
            VERSION,
            optional("expected_total", Whole(0, i64::MAX)),
            HOLD_FOR,
            CONFIRM_ON,
            SHIPPING_ADDRESS,
            BILLING_ADDRESS,
            METADATA,
        ],
    ),
    (
        "order.place",
        &[
            required("order_id", Id),
            required("customer", Object(CUSTOMER)),
            required("currency", Currency),
            required(
                "lines",
                List(
                    1..=MOST_LINES,
                    &[
                        required("sku", Id),
                        required("quantity", Whole(1, MOST_UNITS)),
                        required("unit_price", Whole(0, i64::MAX)),
                        optional("name", Text(512)),
                    ],
                ),
            ),
            ADJUSTMENTS,
            HOLD_FOR,
            CONFIRM_ON,
            SHIPPING_ADDRESS,
            BILLING_ADDRESS,
            METADATA,
        ],
    ),
    (
        "order.amend",
        &[
            required("order_id", Id),
            VERSION,
            optional(
                "lines",
                List(
                    0..=MOST_LINES,
                    &[required("sku", Id), required("quantity", Whole(0, MOST_UNITS))],
                ),
            ),
            optional("adjustments", Replacement(0..=MOST_LINES, ADJUSTMENT)),
            optional("customer", Object(CUSTOMER)),
            SHIPPING_ADDRESS,
            BILLING_ADDRESS,
            METADATA,
        ],
    ),
    (
        "order.capture",
        &[
            required("order_id", Id),
            optional("amount", Whole(1, i64::MAX)),
            optional("again", Flag),
        ],
    ),
    ("order.cancel", &[required("order_id", Id), optional("reason", Text(512))]),
    ("order.complete", &[required("order_id", Id)]),
    (
        "order.resolve",
        &[
            required("order_id", Id),
            required("decision", Word(&["accept", "cancel", "return"])),
            optional("write_off", Whole(0, i64::MAX)),
        ],
    ),
    (
        "refund.request",
        &[
            required("order_id", Id),
            required("refund_id", Id),
            required("amount", Whole(0, i64::MAX)),
            optional(
                "restock",
                List(
                    0..=MOST_LINES,
                    &[required("sku", Id), required("quantity", Whole(1, MOST_UNITS))],
                ),
            ),
        ],
    ),
    (
        "payment.callback",
        &[
            required("provider", Id),
            required("event_id", Id),
            required("order_id", Id),
            required("attempt_id", Id),
            required(
                "kind",
                Word(&[
                    "action_required",
                    "authorized",
                    "captured",
                    "failed",
                    "voided",
                    "expired",
                    "refund_succeeded",
                    "refund_failed",
                    "dispute_opened",
                    "dispute_closed",
                ]),
            ),
            optional("capture_id", Id),
            optional("amount", Whole(0, i64::MAX)),
            optional("currency", Currency),
            optional("refund_id", Id),
            optional("dispute_id", Id),
            optional("outcome", Word(&["won", "lost"])),
            optional("final", Flag),
            required("occurred_at", Time),
        ],
    ),
];

//! Cases of orders that need a history of their own: what they are, what was before, what happens.

use crate::cells::History;

pub(crate) const SPECIAL_CASES: &[(&str, History, History)] = &[
    (
        "refunded out of refund_due, the same attempt without a capture_id",
        &["place", "captured p 200 #1", "cancel", "all goes back"],
        &["captured p 50"],
    ),
    (
        "refunded out of refund_due, action_required",
        &["place", "captured p 200 #1", "cancel", "all goes back"],
        &["action_required n"],
    ),
    (
        "cancelled, an attempt that was to be given up is authorized all the same",
        &["place", "cancel", "action_required n"],
        &["authorized n 500"],
    ),
    (
        "cancelled, the same once more",
        &["place", "cancel", "action_required n", "authorized n 500"],
        &["authorized n 500"],
    ),
    (
        "under_review for another currency, and the net reaches the total",
        &["place", "captured p 500 USD"],
        &["captured n 500"],
    ),
    (
        "under_review for another currency, and the net passes the total",
        &["place", "captured p 500 USD"],
        &["captured n 501"],
    ),
    (
        "expired, exact money, and its stock is gone",
        &["place", "15 minutes", "no stock"],
        &["captured n 500"],
    ),
    (
        "under_review, its hold ran out at the cap, accepted",
        &["place", "captured p 600", "to the cap"],
        &["accept"],
    ),
    (
        "the same, and its stock is gone",
        &["place", "captured p 600", "to the cap", "no stock"],
        &["accept"],
    ),
    (
        "under_review for another currency alone, accepted",
        &["place", "captured p 500 USD"],
        &["accept"],
    ),
    (
        "under_review for another currency alone, cancelled",
        &["place", "captured p 500 USD"],
        &["decline"],
    ),
    (
        "awaiting_payment with an open authorization, paid",
        &["place", "authorized a 500"],
        &["captured n 500"],
    ),
    (
        "awaiting_payment with an open authorization, cancelled",
        &["place", "authorized a 500"],
        &["cancel"],
    ),
    (
        "awaiting_payment with an open authorization, at the cap",
        &["place", "authorized a 500"],
        &["to the cap"],
    ),
    (
        "awaiting_payment, a refund that overtook its capture",
        &["place"],
        &["refund_succeeded p 100 r-1"],
    ),
    (
        "the same, and then the capture",
        &["place", "refund_succeeded p 100 r-1"],
        &["captured n 500"],
    ),
    (
        "paid, an attempt that had captured is authorized",
        &["place", "captured p 500"],
        &["authorized p 500"],
    ),
    (
        "paid, a refund is asked for again under its id",
        &["place", "captured p 500", "refund 100"],
        &["refund 100"],
    ),
    (
        "paid, it failed, and is asked for again",
        &["place", "captured p 500", "refund 100", "refund_failed p r-1"],
        &["refund 100"],
    ),
    (
        "awaiting_payment confirmed on authorization, all of it is authorized",
        &["place on authorization"],
        &["authorized a 500"],
    ),
    (
        "awaiting_payment confirmed on authorization, a part is authorized",
        &["place on authorization"],
        &["authorized a 499"],
    ),
    (
        "partially_paid confirmed on authorization, the rest is authorized",
        &["place on authorization", "captured p 200 #1"],
        &["authorized a 300"],
    ),
    (
        "authorized, all of it is captured",
        &["place on authorization", "authorized a 500"],
        &["captured a 500 #1"],
    ),
    (
        "authorized, a part is captured",
        &["place on authorization", "authorized a 500"],
        &["captured a 200 #1"],
    ),
    (
        "authorized, a part is captured and no more will be (final)",
        &["place on authorization", "authorized a 500"],
        &["captured a 200 #1 final"],
    ),
    (
        "authorized, the authorization expires",
        &["place on authorization", "authorized a 500"],
        &["expired a"],
    ),
    (
        "authorized, a part is captured, and the rest expires",
        &["place on authorization", "authorized a 500", "captured a 200 #1"],
        &["expired a"],
    ),
    (
        "authorized, asked for, and the request failed at the provider",
        &["place on authorization", "authorized a 500", "capture"],
        &["capture"],
    ),
    (
        "the same, asked for again",
        &["place on authorization", "authorized a 500", "capture"],
        &["capture again"],
    ),
    (
        "captured in part and voided, and then the authorization before that is heard of",
        &["place on authorization", "captured a 200 #1", "voided a"],
        &["authorized a 300 earlier"],
    ),
    (
        "partly captured, and paid with another attempt: the rest is given up",
        &["place", "authorized a 500", "captured a 200 #1"],
        &["captured b 300 #1"],
    ),
    (
        "paid with two attempts, and all of it is asked back",
        &["place", "captured a 200 #1", "captured b 300 #1"],
        &["refund 500"],
    ),
    (
        "paid, a refund bounced",
        &["place", "captured p 500", "refund_succeeded p 100 r-1"],
        &["refund_failed p r-1 later"],
    ),
    (
        "refund_due, the refund arrived and bounced",
        &["place", "captured p 200 #1", "cancel", "refund_succeeded p 200 r-1"],
        &["refund_failed p r-1 later"],
    ),
    (
        "paid, a refund failed, and its late success is of before that",
        &["place", "captured p 500", "refund 100", "refund_failed p r-1"],
        &["refund_succeeded p 100 r-1 earlier"],
    ),
    (
        "paid, a refund failed and was asked for again, and the same failure is reported again",
        &["place", "captured p 500", "refund 100", "refund_failed p r-1", "refund 100"],
        &["refund_failed p r-1"],
    ),
    (
        "awaiting_payment since the authorization was lost, a refund bounced",
        &[
            "place on authorization",
            "authorized a 500",
            "captured a 100 #1",
            "refund_succeeded a 100 r-1",
            "voided a later",
        ],
        &["refund_failed a r-1 later"],
    ),
    (
        "paid for nothing, money that came all the same goes back",
        &["place", "discount 500", "captured p 100 #1"],
        &["refund_succeeded p 100 r-1"],
    ),
    (
        "paid since the rest was let go, and the rest came and goes back",
        &["place", "captured p 200 #1", "write off", "captured q 300 #1"],
        &["refund_succeeded q 300 r-1"],
    ),
    (
        "paid, an attempt that had failed is authorized",
        &["place", "failed a", "captured p 500"],
        &["authorized a 500 later"],
    ),
    (
        "cancelled, an attempt that had failed is authorized",
        &["place", "failed a", "cancel"],
        &["authorized a 500 later"],
    ),
    (
        "paid, a refund failed and was settled another way, accepted",
        &["place", "captured p 500", "refund 100", "refund_failed p r-1"],
        &["accept"],
    ),
    (
        "paid, money in another currency is accepted",
        &["place", "captured p 500", "captured q 70 USD"],
        &["accept"],
    ),
    (
        "paid, money in another currency is returned",
        &["place", "captured p 500", "captured q 70 USD"],
        &["return"],
    ),
    (
        "paid, more was sent back than came, accepted",
        &["place", "captured p 500", "refund_succeeded p 600 r-1"],
        &["accept"],
    ),
    ("partially_paid, the rest is let go", &["place", "captured p 200 #1"], &["write off"]),
    ("awaiting_payment, more units than there are", &["place"], &["amend 6"]),
    (
        "partially_paid, the total falls to the net",
        &["place", "captured p 200 #1"],
        &["discount 300"],
    ),
    (
        "partially_paid, the total falls below the net",
        &["place", "captured p 200 #1"],
        &["discount 400"],
    ),
    (
        "paid for two units, and one comes back by order.amend",
        &["place", "amend 2", "captured p 1000"],
        &["amend 1"],
    ),
    ("paid, goods come back with a refund", &["place", "captured p 500"], &["return 1"]),
    ("paid, more goods come back than were sold", &["place", "captured p 500"], &["return 2"]),
    ("paid, more is asked back than is there", &["place", "captured p 500"], &["refund 501"]),
];

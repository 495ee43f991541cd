//! What one customer does, and what the payment provider and the warehouse make of it.
//!
//! A hold that is meant to run out (its order says `hold_for`) does so between the day and the
//! evening, whenever exactly. So that this cannot change the outcome, its order holds nothing
//! scarce, and nobody speaks of it again before the evening.

use jiff::{SignedDuration, Timestamp};

use super::{
    EVENING, MINUTE, SECOND, SHORT_HOLD,
    catalogue::{Catalogue, Line, Scarce},
    message::{self, Callback, Message, Payment, Wish},
    random::Random,
};

/// When the shop opens; only the data of callbacks show it.
const OPENING: Timestamp = Timestamp::constant(1_764_057_600, 0);

/// How many customers in a thousand go which way.
const WAYS: &[(u64, Way)] = &[
    (640, Way::PlaceAndPay),
    (180, Way::CheckOutAndPay),
    (20, Way::WalkAway),
    (15, Way::PaymentFails),
    (15, Way::PayLate),
    (15, Way::LetHoldRunOut),
    (10, Way::LetCartHoldRunOut),
    (20, Way::Cancel),
    (5, Way::CancelTooLate),
    (5, Way::PayAfterCancelling),
    (60, Way::AbandonCart),
    (5, Way::PayForNothing),
    (10, Way::Confuse),
];

#[derive(Debug, Clone, Copy)]
enum Way {
    PlaceAndPay,
    CheckOutAndPay,
    WalkAway,
    PaymentFails,
    PayLate,
    LetHoldRunOut,
    LetCartHoldRunOut,
    Cancel,
    CancelTooLate,
    PayAfterCancelling,
    AbandonCart,
    PayForNothing,
    Confuse,
}

/// One customer's messages, each with the moment (ms of the day) at which it is sent.
pub(super) struct Story<'a> {
    random: &'a mut Random,
    catalogue: &'a Catalogue,
    number: u64,
    opens: u64,
    script: Vec<(u64, Message)>,
}

impl<'a> Story<'a> {
    pub(super) fn new(
        random: &'a mut Random,
        catalogue: &'a Catalogue,
        number: u64,
        opens: u64,
    ) -> Self {
        Self {
            random,
            catalogue,
            number,
            opens,
            script: Vec::new(),
        }
    }

    /// The messages of this customer, none of them before the story opens.
    pub(super) fn tell(mut self) -> Vec<(u64, Message)> {
        match self.number {
            0 => self.last_pieces(),
            1 => self.far_too_many(),
            2 => self.fill_the_van(),
            _ => match self.random.weighted(WAYS) {
                Way::PlaceAndPay => self.place_and_pay(),
                Way::CheckOutAndPay => self.check_out_and_pay(),
                Way::WalkAway => {
                    self.place_some();
                }
                Way::PaymentFails => self.payment_fails(),
                Way::PayLate => self.hold_runs_out(Late::Pays),
                Way::LetHoldRunOut => self.hold_runs_out(Late::StaysAway),
                Way::LetCartHoldRunOut => self.cart_hold_runs_out(),
                Way::Cancel => self.cancel(),
                Way::CancelTooLate => self.cancel_too_late(),
                Way::PayAfterCancelling => self.pay_after_cancelling(),
                Way::AbandonCart => {
                    let lines = self.catalogue.basket(self.random, Scarce::Too);
                    self.fill_cart(&lines);
                }
                Way::PayForNothing => self.pay_for_nothing(),
                Way::Confuse => self.confuse(),
            },
        }
        self.script
    }

    // The ways.

    fn place_and_pay(&mut self) {
        let wish = self.any_wish(Scarce::Too);
        if wish.total() > 0 && self.random.per_mille(40) {
            // The provider is faster than the shop's own message.
            let capture = self.capture(&wish);
            self.deliver(self.opens, &capture, 0);
            let placed = self.opens + self.random.below(30 * SECOND);
            self.send(placed, message::place(self.id("place"), &wish));
            self.aftermath(placed, &wish, &capture);
        } else {
            self.send(self.opens, message::place(self.id("place"), &wish));
            self.pay(self.opens, &wish);
        }
    }

    fn check_out_and_pay(&mut self) {
        let wish = self.any_wish(Scarce::Too);
        if self.random.per_mille(10) {
            // Takes the last thing out, and goes to the till all the same.
            let (cart, first) = (self.cart(), &wish.lines[0]);
            let put = message::cart_put(self.id("only"), &cart, first, None);
            self.send(self.opens, put);
            self.send(self.opens, message::cart_clear(self.id("empty"), &cart));
            let nothing = message::checkout(self.id("nothing"), &cart, &wish, None);
            self.send(self.opens, nothing);
        }
        let placed = self.check_out(&wish);
        if self.random.per_mille(20) {
            let more = message::cart_put(self.id("more"), &self.cart(), &wish.lines[0], None);
            self.send(placed, more);
        }
        self.pay(placed, &wish);
    }

    fn payment_fails(&mut self) {
        let wish = self.place_some();
        let failed = self.callback(&wish, "failed-1", "attempt-1", Payment::Failed);
        let at = self.opens + self.random.between(SECOND, 10 * MINUTE);
        self.deliver(at, &failed, 0);
    }

    fn hold_runs_out(&mut self, late: Late) {
        let wish = Wish {
            hold_for: Some(SHORT_HOLD),
            ..self.wish(Scarce::Not)
        };
        let place = message::place(self.id("place"), &wish);
        self.send(self.opens, place);
        if late == Late::Pays {
            let at = self.evening();
            if self.random.per_mille(200) {
                // Too late to matter: that the first attempt failed.
                let failed = self.callback(&wish, "failed-1", "attempt-0", Payment::Failed);
                self.deliver(EVENING, &failed, 0);
            }
            let capture = self.capture(&wish);
            self.deliver(at, &capture, 0);
            self.aftermath(at, &wish, &capture);
        } else if self.random.per_mille(200) {
            let at = self.evening();
            self.send(at, message::cancel(self.id("cancel"), &wish.order));
        }
    }

    /// The cart is theirs again when the hold has run out; half of them order again.
    fn cart_hold_runs_out(&mut self) {
        let wish = Wish {
            hold_for: Some(SHORT_HOLD),
            ..self.wish(Scarce::Not)
        };
        self.check_out(&wish);
        if self.random.per_mille(500) {
            let again = Wish {
                order: format!("{}-again", wish.order),
                hold_for: None,
                ..wish
            };
            let at = self.evening();
            let checkout = message::checkout(self.id("checkout-again"), &self.cart(), &again, None);
            self.send(at, checkout);
            self.pay(at, &again);
        }
    }

    fn cancel(&mut self) {
        let wish = self.place_some();
        let at = self.opens + self.random.between(SECOND, 30 * MINUTE);
        self.cancel_at(at, &wish);
    }

    fn cancel_too_late(&mut self) {
        let wish = self.place_some();
        self.pay(self.opens, &wish);
        self.cancel_at(self.opens + 30 * MINUTE, &wish);
    }

    fn pay_after_cancelling(&mut self) {
        let wish = self.place_some();
        let at = self.opens + self.random.between(SECOND, 10 * MINUTE);
        self.cancel_at(at, &wish);
        self.pay(at + SECOND, &wish);
    }

    fn pay_for_nothing(&mut self) {
        let wish = self.wish(Scarce::Too);
        let capture = self.capture(&wish);
        self.deliver(self.opens, &capture, 0);
        self.deliver(self.opens + MINUTE, &capture, 1);
    }

    /// A producer that gets its ids or its data wrong.
    fn confuse(&mut self) {
        let wish = self.wish(Scarce::Not);
        let place = message::place(self.id("place"), &wish);
        self.send(self.opens, place.clone());
        let at = self.opens + SECOND;
        let mut other = wish.clone();
        other.lines[0].quantity += 1;
        match self.random.below(6) {
            0 => self.send(at, message::place(self.id("place"), &other)),
            1 => self.send(at, place.again_as(self.id("place-anew"))),
            2 => {
                let nobody = format!("{}-nobody", wish.order);
                self.send(at, message::cancel(self.id("cancel"), &nobody));
                self.send(at, message::complete(self.id("complete"), &nobody));
            }
            3 => {
                other.order.push_str("-unknown");
                "SKU-NEVER".clone_into(&mut other.lines[0].sku);
                self.send(at, message::place(self.id("unknown"), &other));
            }
            4 => {
                let capture = self.capture(&wish);
                self.deliver(at, &capture, 0);
                let wrong = Callback {
                    what: Payment::Captured {
                        amount: wish.total() + 1,
                        capture: None,
                    },
                    ..capture
                };
                self.deliver(at + SECOND, &wrong, 1);
            }
            _ => {
                let sku = self.catalogue.scarce(self.random);
                let too_much = -1_000_000;
                for (name, sku) in [("theft", sku.as_str()), ("ghost", "SKU-NEVER")] {
                    self.send(
                        at,
                        message::stock_adjust(self.id(name), sku, too_much, name),
                    );
                }
            }
        }
    }

    // The three that every day has.

    /// Somebody's hold on the last pieces runs out, somebody else buys them, then the first one's
    /// money comes: there is nothing left to hold again.
    fn last_pieces(&mut self) {
        let wish = Wish {
            lines: vec![Line {
                sku: "SKU-LAST".to_owned(),
                quantity: 2,
                unit_price: 2_500,
            }],
            hold_for: Some(SHORT_HOLD),
            ..self.wish(Scarce::Not)
        };
        self.send(
            self.opens,
            message::stock_set(self.id("stock"), "SKU-LAST", 3, 0),
        );
        self.send(self.opens, message::place(self.id("place"), &wish));
        let second = Wish {
            order: format!("{}-second", wish.order),
            hold_for: None,
            ..wish.clone()
        };
        let place = message::place(self.id("place-second"), &second);
        self.send(EVENING, place);
        let paid = self.callback(
            &second,
            "captured-second",
            "attempt-1",
            captured(&second, None),
        );
        self.deliver(EVENING, &paid, 0);
        let late = self.capture(&wish);
        self.deliver(EVENING + MINUTE, &late, 1);
    }

    /// 80,995 of one thing, cancelled minutes later: it happened.
    fn far_too_many(&mut self) {
        let mut wish = self.wish(Scarce::Not);
        wish.lines.truncate(1);
        wish.lines[0].quantity = 80_995;
        self.send(self.opens, message::place(self.id("place"), &wish));
        self.cancel_at(self.opens + 12 * MINUTE, &wish);
    }

    /// The longest order of the sample had 265 lines.
    fn fill_the_van(&mut self) {
        let mut wish = self.wish(Scarce::Not);
        wish.lines = self.catalogue.lines(self.random, 265, Scarce::Not);
        self.send(self.opens, message::place(self.id("place"), &wish));
        self.pay(self.opens, &wish);
    }

    // What the ways have in common.

    /// An order that costs something.
    fn wish(&mut self, scarce: Scarce) -> Wish {
        loop {
            let wish = self.any_wish(scarce);
            if wish.total() > 0 {
                return wish;
            }
        }
    }

    /// An order that may be free.
    fn any_wish(&mut self, scarce: Scarce) -> Wish {
        let mut adjustments = Vec::new();
        let lines = self.catalogue.basket(self.random, scarce);
        if self.random.per_mille(300) {
            adjustments.push(("postage", 395));
        }
        if self.random.per_mille(50) && lines.iter().any(|line| line.amount() > 500) {
            adjustments.push(("voucher", -500));
        }
        Wish {
            order: format!("O-{:07}", self.number),
            customer: self.random.below(1_000_000),
            lines,
            adjustments,
            hold_for: None,
        }
    }

    fn place_some(&mut self) -> Wish {
        let wish = self.wish(Scarce::Too);
        let place = message::place(self.id("place"), &wish);
        self.send(self.opens, place.clone());
        if self.random.per_mille(50) {
            let at = self.opens + self.random.below(5 * MINUTE);
            self.send(at, place);
        }
        wish
    }

    /// Puts the lines into the customer's cart, with some dithering; says when that is done.
    fn fill_cart(&mut self, lines: &[Line]) -> u64 {
        let cart = self.cart();
        let mut at = self.opens;
        let mut changes = Vec::new();
        if self.random.per_mille(50) {
            changes.push(message::cart_put(
                self.id("first"),
                &cart,
                &lines[0],
                Some(0),
            ));
            changes.push(message::cart_clear(self.id("clear"), &cart));
            // Theirs is another idea of the cart than ours.
            changes.push(message::cart_put(
                self.id("stale"),
                &cart,
                &lines[0],
                Some(0),
            ));
        }
        for (position, line) in lines.iter().enumerate() {
            let put = message::cart_put(self.id(&format!("put-{position}")), &cart, line, None);
            changes.push(put.clone());
            if self.random.per_mille(20) {
                changes.push(put);
            }
            if self.random.per_mille(100) {
                let (more, less) = (format!("more-{position}"), format!("less-{position}"));
                changes.push(message::cart_add(self.id(&more), &cart, line, 2));
                changes.push(message::cart_add(self.id(&less), &cart, line, -2));
            }
        }
        for change in changes {
            at += self.random.below(20 * SECOND);
            self.send(at, change);
        }
        at
    }

    fn check_out(&mut self, wish: &Wish) -> u64 {
        let cart = self.cart();
        if self.random.per_mille(20) {
            let nothing = message::checkout(self.id("too-soon"), &cart, wish, None);
            self.send(self.opens, nothing);
        }
        let mut at = self.fill_cart(&wish.lines) + SECOND;
        let total = wish.adjustments.is_empty().then(|| wish.total());
        if let Some(total) = total.filter(|_| self.random.per_mille(30)) {
            // The page showed another price.
            let wrong = message::checkout(self.id("wrong"), &cart, wish, Some(total + 1));
            self.send(at, wrong);
            at += SECOND;
        }
        let checkout = message::checkout(self.id("checkout"), &cart, wish, total);
        self.send(at, checkout.clone());
        if self.random.per_mille(50) {
            // Pressed twice.
            self.send(at + SECOND, checkout);
        }
        at
    }

    /// The customer pays within the day, and what follows from it.
    fn pay(&mut self, placed: u64, wish: &Wish) {
        if wish.total() == 0 {
            return;
        }
        let at = placed + self.random.between(SECOND, 10 * MINUTE);
        if self.random.per_mille(50) {
            let attempt = if self.random.per_mille(800) {
                "attempt-0"
            } else {
                "attempt-1"
            };
            let failed = self.callback(wish, "failed-1", attempt, Payment::Failed);
            self.deliver(placed, &failed, 0);
        }
        let capture = self.capture(wish);
        self.deliver(at, &capture, 0);
        self.aftermath(at, wish, &capture);
    }

    /// What happens around and after a capture: the provider repeats itself, the goods leave.
    fn aftermath(&mut self, captured: u64, wish: &Wish, capture: &Callback) {
        if self.random.per_mille(200) {
            let at = captured + self.random.below(30 * MINUTE);
            self.deliver(at, capture, 1);
        }
        if self.random.per_mille(10) {
            let at = self.evening().max(captured);
            self.deliver(at, capture, 2);
        }
        if self.random.per_mille(20) {
            // The same money once more, as another event.
            let told_again = Callback {
                event: format!("{}-again", capture.event),
                ..capture.clone()
            };
            self.deliver(captured + MINUTE, &told_again, 0);
        }
        if self.random.per_mille(10) {
            let failed = self.callback(wish, "failed-2", "attempt-2", Payment::Failed);
            self.deliver(captured + MINUTE, &failed, 0);
        }
        if self.random.per_mille(300) {
            let at = captured + self.random.between(MINUTE, 60 * MINUTE);
            let complete = message::complete(self.id("complete"), &wish.order);
            self.send(at, complete);
        }
    }

    fn cancel_at(&mut self, at: u64, wish: &Wish) {
        self.send(at, message::cancel(self.id("cancel"), &wish.order));
    }

    fn capture(&mut self, wish: &Wish) -> Callback {
        let capture = (!self.random.per_mille(100)).then(|| format!("cap-{:07}", self.number));
        self.callback(wish, "captured-1", "attempt-1", captured(wish, capture))
    }

    fn callback(&self, wish: &Wish, event: &str, attempt: &str, what: Payment) -> Callback {
        let since = SignedDuration::from_millis(i64::try_from(self.opens).unwrap_or(i64::MAX));
        Callback {
            event: format!("evt-{:07}-{event}", self.number),
            order: wish.order.clone(),
            attempt: format!("{}-{attempt}", wish.order),
            what,
            occurred_at: OPENING.saturating_add(since).unwrap_or(OPENING).to_string(),
        }
    }

    /// Sends a callback for the `delivery`th time, as a message of its own.
    fn deliver(&mut self, at: u64, callback: &Callback, delivery: u64) {
        let message = callback.message(format!("hook-{}-{delivery}", callback.event));
        self.send(at, message);
    }

    fn evening(&mut self) -> u64 {
        EVENING + self.random.between(MINUTE, 60 * MINUTE)
    }

    fn send(&mut self, at: u64, message: Message) {
        debug_assert!(at >= self.opens, "a story does not speak before it opens");
        self.script.push((at, message));
    }

    fn cart(&self) -> String {
        format!("C-{:07}", self.number)
    }

    fn id(&self, what: &str) -> String {
        format!("{what}-{:07}", self.number)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Late {
    Pays,
    StaysAway,
}

fn captured(wish: &Wish, capture: Option<String>) -> Payment {
    Payment::Captured {
        amount: wish.total(),
        capture,
    }
}

//! The messages of one customer, and those of the payment provider and the warehouse about the order.
//!
//! An order whose hold is to expire has a short `hold_for`. The hold expires at some time between the day and the evening. So that
//! the exact time cannot change the outcome, such an order holds no scarce sku, and no message names it before the evening.

mod behaviour;

use super::{
    EVENING, MINUTE, SECOND, SHORT_HOLD,
    catalogue::{Catalogue, Line, Scarce},
    message::{self, Callback, Message, OrderRequest, Payment},
};
use crate::random::Random;
use behaviour::captured;

/// The ways of customers, each with its share of 1,000 customers.
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

/// The messages of one customer, each with the time at which it is sent, in ms of the day.
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
        Self { random, catalogue, number, opens, script: Vec::new() }
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
        let request = self.any_request(Scarce::Too);
        if request.total() > 0 && self.random.per_mille(40) {
            // The callback of the provider comes before the order.
            let capture = self.capture(&request);
            self.deliver(self.opens, &capture, 0);
            let placed = self.opens + self.random.below(30 * SECOND);
            self.send(placed, message::place(self.id("place"), &request));
            self.aftermath(placed, &request, &capture);
        } else {
            self.send(self.opens, message::place(self.id("place"), &request));
            self.pay(self.opens, &request);
        }
    }

    fn check_out_and_pay(&mut self) {
        let request = self.any_request(Scarce::Too);
        if self.random.per_mille(10) {
            // Empties the cart and checks out all the same.
            let (cart, first) = (self.cart(), &request.lines[0]);
            let put = message::cart_put(self.id("only"), &cart, first, None);
            self.send(self.opens, put);
            self.send(self.opens, message::cart_clear(self.id("empty"), &cart));
            let nothing = message::checkout(self.id("nothing"), &cart, &request, None);
            self.send(self.opens, nothing);
        }
        let placed = self.check_out(&request);
        if self.random.per_mille(20) {
            let mut more = request.lines[0].clone();
            more.quantity += 1;
            let put = message::cart_put(self.id("more"), &self.cart(), &more, None);
            self.send(placed, put);
        }
        self.pay(placed, &request);
    }

    fn payment_fails(&mut self) {
        let request = self.place_some();
        let failed = self.callback(&request, "failed-1", "attempt-1", Payment::Failed);
        let at = self.opens + self.random.between(SECOND, 10 * MINUTE);
        self.deliver(at, &failed, 0);
    }

    fn hold_runs_out(&mut self, late: Late) {
        let request = OrderRequest { hold_for: Some(SHORT_HOLD), ..self.request(Scarce::Not) };
        let place = message::place(self.id("place"), &request);
        self.send(self.opens, place);
        if late == Late::Pays {
            let at = self.evening();
            if self.random.per_mille(200) {
                // The failure of the first attempt comes too late to matter.
                let failed = self.callback(&request, "failed-1", "attempt-0", Payment::Failed);
                self.deliver(EVENING, &failed, 0);
            }
            let capture = self.capture(&request);
            self.deliver(at, &capture, 0);
            self.aftermath(at, &request, &capture);
        } else if self.random.per_mille(200) {
            let at = self.evening();
            self.send(at, message::cancel(self.id("cancel"), &request.order));
        }
    }

    /// The hold expires and the cart is open again. Half of these customers order again.
    fn cart_hold_runs_out(&mut self) {
        let request = OrderRequest { hold_for: Some(SHORT_HOLD), ..self.request(Scarce::Not) };
        self.check_out(&request);
        if self.random.per_mille(500) {
            let again = OrderRequest {
                order: format!("{}-again", request.order),
                hold_for: None,
                ..request
            };
            let at = self.evening();
            let checkout = message::checkout(self.id("checkout-again"), &self.cart(), &again, None);
            self.send(at, checkout);
            self.pay(at, &again);
        }
    }

    fn cancel(&mut self) {
        let request = self.place_some();
        let at = self.opens + self.random.between(SECOND, 30 * MINUTE);
        self.cancel_at(at, &request);
    }

    fn cancel_too_late(&mut self) {
        let request = self.place_some();
        self.pay(self.opens, &request);
        self.cancel_at(self.opens + 30 * MINUTE, &request);
    }

    fn pay_after_cancelling(&mut self) {
        let request = self.place_some();
        let at = self.opens + self.random.between(SECOND, 10 * MINUTE);
        self.cancel_at(at, &request);
        self.pay(at + SECOND, &request);
    }

    fn pay_for_nothing(&mut self) {
        let request = self.request(Scarce::Too);
        let capture = self.capture(&request);
        self.deliver(self.opens, &capture, 0);
        self.deliver(self.opens + MINUTE, &capture, 1);
    }

    /// A producer that gets its ids or its data wrong.
    fn confuse(&mut self) {
        let request = self.request(Scarce::Not);
        let place = message::place(self.id("place"), &request);
        self.send(self.opens, place.clone());
        let at = self.opens + SECOND;
        let mut other = request.clone();
        other.lines[0].quantity += 1;
        match self.random.below(6) {
            0 => self.send(at, message::place(self.id("place"), &other)),
            1 => self.send(at, place.again_as(self.id("place-anew"))),
            2 => {
                let nobody = format!("{}-nobody", request.order);
                self.send(at, message::cancel(self.id("cancel"), &nobody));
                self.send(at, message::complete(self.id("complete"), &nobody));
            }
            3 => {
                other.order.push_str("-unknown");
                "SKU-NEVER".clone_into(&mut other.lines[0].sku);
                self.send(at, message::place(self.id("unknown"), &other));
            }
            4 => {
                let capture = self.capture(&request);
                self.deliver(at, &capture, 0);
                let wrong = Callback {
                    what: Payment::Captured { amount: request.total() + 1, capture: None },
                    ..capture
                };
                self.deliver(at + SECOND, &wrong, 1);
            }
            _ => {
                let sku = self.catalogue.scarce(self.random);
                let too_much = -1_000_000;
                for (name, sku) in [("theft", sku.as_str()), ("ghost", "SKU-NEVER")] {
                    self.send(at, message::stock_adjust(self.id(name), sku, too_much, name));
                }
            }
        }
    }

    // Three stories that are in every day.

    /// A customer holds the last pieces, and the hold expires. A second customer buys the pieces. Then the money of the first one
    /// comes, and there is no stock to hold again.
    fn last_pieces(&mut self) {
        let request = OrderRequest {
            lines: vec![Line { sku: "SKU-LAST".to_owned(), quantity: 2, unit_price: 2_500 }],
            hold_for: Some(SHORT_HOLD),
            ..self.request(Scarce::Not)
        };
        self.send(self.opens, message::stock_set(self.id("stock"), "SKU-LAST", 3, 0));
        self.send(self.opens, message::place(self.id("place"), &request));
        let second = OrderRequest {
            order: format!("{}-second", request.order),
            hold_for: None,
            ..request.clone()
        };
        let place = message::place(self.id("place-second"), &second);
        self.send(EVENING, place);
        let paid = self.callback(&second, "captured-second", "attempt-1", captured(&second, None));
        self.deliver(EVENING, &paid, 0);
        let late = self.capture(&request);
        self.deliver(EVENING + MINUTE, &late, 1);
    }

    /// An order of 80,995 pieces of one sku, cancelled minutes later. It is in the data set.
    fn far_too_many(&mut self) {
        let mut request = self.request(Scarce::Not);
        request.lines.truncate(1);
        request.lines[0].quantity = 80_995;
        self.send(self.opens, message::place(self.id("place"), &request));
        self.cancel_at(self.opens + 12 * MINUTE, &request);
    }

    /// The longest order of the sample had 265 lines.
    fn fill_the_van(&mut self) {
        let mut request = self.request(Scarce::Not);
        request.lines = self.catalogue.lines(self.random, 265, Scarce::Not);
        self.send(self.opens, message::place(self.id("place"), &request));
        self.pay(self.opens, &request);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Late {
    Pays,
    StaysAway,
}

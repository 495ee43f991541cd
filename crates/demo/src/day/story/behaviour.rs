//! The parts that the ways of customers share: orders, filling a cart, paying, and the messages after a payment.

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{
        EVENING, MINUTE, SECOND,
        catalogue::{Line, Scarce},
        message::{self, Callback, Message, OrderRequest, Payment},
    },
    Story,
};

/// The time at which the shop opens. It appears only in the data of callbacks.
const OPENING: Timestamp = Timestamp::constant(1_764_057_600, 0);

impl Story<'_> {
    /// An order with a total above 0.
    pub(super) fn request(&mut self, scarce: Scarce) -> OrderRequest {
        loop {
            let request = self.any_request(scarce);
            if request.total() > 0 {
                return request;
            }
        }
    }

    /// An order whose total may be 0.
    pub(super) fn any_request(&mut self, scarce: Scarce) -> OrderRequest {
        let mut adjustments = Vec::new();
        let lines = self.catalogue.basket(self.random, scarce);
        if self.random.per_mille(300) {
            adjustments.push(("postage", 395));
        }
        if self.random.per_mille(50) && lines.iter().any(|line| line.amount() > 500) {
            adjustments.push(("voucher", -500));
        }
        OrderRequest {
            order: format!("O-{:07}", self.number),
            customer: self.random.below(1_000_000),
            lines,
            adjustments,
            hold_for: None,
        }
    }

    pub(super) fn place_some(&mut self) -> OrderRequest {
        let request = self.request(Scarce::Too);
        let place = message::place(self.id("place"), &request);
        self.send(self.opens, place.clone());
        if self.random.per_mille(50) {
            let at = self.opens + self.random.below(5 * MINUTE);
            self.send(at, place);
        }
        request
    }

    /// Puts the lines into the cart, with some detours. Returns the time at which the cart is complete.
    pub(super) fn fill_cart(&mut self, lines: &[Line]) -> u64 {
        let cart = self.cart();
        let mut at = self.opens;
        let mut changes = Vec::new();
        if self.random.per_mille(50) {
            changes.push(message::cart_put(self.id("first"), &cart, &lines[0], Some(0)));
            changes.push(message::cart_clear(self.id("clear"), &cart));
            // The expected version is out of date.
            changes.push(message::cart_put(self.id("stale"), &cart, &lines[0], Some(0)));
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

    pub(super) fn check_out(&mut self, request: &OrderRequest) -> u64 {
        let cart = self.cart();
        if self.random.per_mille(20) {
            let nothing = message::checkout(self.id("too-soon"), &cart, request, None);
            self.send(self.opens, nothing);
        }
        let mut at = self.fill_cart(&request.lines) + SECOND;
        let total = request.adjustments.is_empty().then(|| request.total());
        if let Some(total) = total.filter(|_| self.random.per_mille(30)) {
            // The page showed another price.
            let wrong = message::checkout(self.id("wrong"), &cart, request, Some(total + 1));
            self.send(at, wrong);
            at += SECOND;
        }
        let checkout = message::checkout(self.id("checkout"), &cart, request, total);
        self.send(at, checkout.clone());
        if self.random.per_mille(50) {
            // The customer pressed the button twice.
            self.send(at + SECOND, checkout);
        }
        at
    }

    /// The customer pays within the day. Adds the messages that follow.
    pub(super) fn pay(&mut self, placed: u64, request: &OrderRequest) {
        if request.total() == 0 {
            return;
        }
        let at = placed + self.random.between(SECOND, 10 * MINUTE);
        if self.random.per_mille(50) {
            let attempt = if self.random.per_mille(800) { "attempt-0" } else { "attempt-1" };
            let failed = self.callback(request, "failed-1", attempt, Payment::Failed);
            self.deliver(placed, &failed, 0);
        }
        let capture = self.capture(request);
        self.deliver(at, &capture, 0);
        self.aftermath(at, request, &capture);
    }

    /// The messages around and after a capture: repeated callbacks, and the completion of the order.
    pub(super) fn aftermath(&mut self, captured: u64, request: &OrderRequest, capture: &Callback) {
        if self.random.per_mille(200) {
            let at = captured + self.random.below(30 * MINUTE);
            self.deliver(at, capture, 1);
        }
        if self.random.per_mille(10) {
            let at = self.evening().max(captured);
            self.deliver(at, capture, 2);
        }
        let names_captures = matches!(capture.what, Payment::Captured { capture: Some(_), .. });
        if self.random.per_mille(20) && names_captures {
            // The same money in another event. Not for a provider without capture ids: each of its events counts as money of
            // its own.
            let told_again =
                Callback { event: format!("{}-again", capture.event), ..capture.clone() };
            self.deliver(captured + MINUTE, &told_again, 0);
        }
        if self.random.per_mille(10) {
            let failed = self.callback(request, "failed-2", "attempt-2", Payment::Failed);
            self.deliver(captured + MINUTE, &failed, 0);
        }
        if self.random.per_mille(300) {
            let at = captured + self.random.between(MINUTE, 60 * MINUTE);
            let complete = message::complete(self.id("complete"), &request.order);
            self.send(at, complete);
        }
    }

    pub(super) fn cancel_at(&mut self, at: u64, request: &OrderRequest) {
        self.send(at, message::cancel(self.id("cancel"), &request.order));
    }

    pub(super) fn capture(&mut self, request: &OrderRequest) -> Callback {
        let capture = (!self.random.per_mille(100)).then(|| format!("cap-{:07}", self.number));
        self.callback(request, "captured-1", "attempt-1", captured(request, capture))
    }

    pub(super) fn callback(
        &self,
        request: &OrderRequest,
        event: &str,
        attempt: &str,
        what: Payment,
    ) -> Callback {
        let since = SignedDuration::from_millis(i64::try_from(self.opens).unwrap_or(i64::MAX));
        Callback {
            event: format!("evt-{:07}-{event}", self.number),
            order: request.order.clone(),
            attempt: format!("{}-{attempt}", request.order),
            what,
            occurred_at: OPENING.saturating_add(since).unwrap_or(OPENING).to_string(),
        }
    }

    /// Sends a callback for the `delivery`th time, as a message of its own.
    pub(super) fn deliver(&mut self, at: u64, callback: &Callback, delivery: u64) {
        let message = callback.message(format!("hook-{}-{delivery}", callback.event));
        self.send(at, message);
    }

    pub(super) fn evening(&mut self) -> u64 {
        EVENING + self.random.between(MINUTE, 60 * MINUTE)
    }

    pub(super) fn send(&mut self, at: u64, message: Message) {
        debug_assert!(at >= self.opens, "a story does not speak before it opens");
        self.script.push((at, message));
    }

    pub(super) fn cart(&self) -> String {
        format!("C-{:07}", self.number)
    }

    pub(super) fn id(&self, what: &str) -> String {
        format!("{what}-{:07}", self.number)
    }
}

pub(super) fn captured(request: &OrderRequest, capture: Option<String>) -> Payment {
    Payment::Captured { amount: request.total(), capture }
}

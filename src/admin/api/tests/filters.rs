//! Lists with places of orders that are not what the list says: an order may have changed since the lists were read, and two
//! lists may have one number.

use super::*;
use orderly_domain::id::Sku;
use orderly_domain::inventory::{HoldState, Item, Reservation, SkuNumber};
use orderly_domain::lists::List as Of;

impl Shop {
    /// Puts the order into a list, or takes it out, whatever it is.
    fn misplace(&mut self, list: Of, rank: i64, change: PostingChange) {
        let posting = Posting { list: List(list.number()), rank, ordinal: Ordinal(0) };
        self.seal(None, |builder| builder.post(posting, change));
    }

    /// Gives the order a state of its own.
    fn put<S: State>(&mut self, state: &S) {
        self.seal(None, |builder| {
            let put = |out: &mut Vec<u8>| state.write(out);
            builder.put_with(S::TABLE, Ordinal(0), S::PART, put).expect("a state");
        });
    }

    async fn shows(&self, path: &str) -> usize {
        let (status, page, _) = self.get(path).await;
        assert_eq!((status, &page["next"]), (StatusCode::OK, &Value::Null), "{path}: {page}");
        page["items"].as_array().expect("a list").len()
    }
}

#[actix_web::test]
async fn an_order_in_a_list_to_which_it_does_not_belong_is_not_shown() {
    // Given a paid order of c-1 with tea and without payments, placed at 0, in lists of something else
    let mut shop = Shop::new();
    shop.place(0);
    let mut undisputed = Order { disputed: false, status: Status::Paid, ..order() };
    undisputed.customer.email = orderly_domain::text::Text::new("c-1@example.com");
    shop.put(&undisputed);
    let customer = orderly_domain::id::CustomerId::new("c-2").expect("an id");
    let cup = Sku::new("cup").expect("an id");
    let second = 1_000_000;
    for list in [
        Of::Status(Status::Completed),
        Of::Customer(&customer),
        Of::Email("c-2@example.com"),
        Of::Sku(&cup),
        Of::Disputed,
        Of::RefundPending,
        Of::Attention,
        Of::Hold,
        Of::Waiting,
    ] {
        shop.misplace(list, 0, PostingChange::Added);
    }
    // Then none shows it
    for path in [
        "/api/orders?status=completed",
        "/api/orders?customer=c-2",
        "/api/orders?sku=cup",
        "/api/orders?disputed=true",
        "/api/orders?refund=pending",
        "/api/attention",
        "/api/refunds",
        "/api/holds",
        "/api/waiting",
        "/api/search?q=c-2",
        "/api/search?q=c-2@example.com",
    ] {
        assert_eq!(shop.shows(path).await, 0, "{path}");
    }
    assert_eq!(shop.shows("/api/orders?status=paid&customer=c-1&sku=tea").await, 1);
    // nor at another time than it was placed
    for rank in [-second, second] {
        shop.misplace(Of::Status(Status::Paid), rank, PostingChange::Added);
    }
    for time in ["placed_after=1970-01-01T00:00:00.5Z", "placed_before=1969-12-31T23:59:59.5Z"] {
        assert_eq!(shop.shows(&format!("/api/orders?status=paid&{time}")).await, 0, "{time}");
    }
    // nor when the list of disputed orders lacks it
    shop.put(&Order { disputed: true, ..undisputed });
    shop.misplace(Of::Disputed, 0, PostingChange::Removed);
    assert_eq!(shop.shows("/api/orders?disputed=false&customer=c-1").await, 0);
}

#[actix_web::test]
async fn a_hold_is_shown_at_its_end_only() {
    let mut shop = Shop::new();
    shop.place(0);
    let tea = Sku::new("tea").expect("an id");
    let item = Item { sku: tea, number: SkuNumber(0), quantity: 2, returned: 0 };
    let until = Timestamp::from_micros(60_000_000);
    shop.put(&Reservation { items: [item].into(), state: HoldState::held(until) });
    for rank in [30_000_000, until.micros(), 90_000_000] {
        shop.misplace(Of::Hold, rank, PostingChange::Added);
    }
    assert_eq!(shop.shows("/api/holds").await, 1);
}

"""What every adapter must do, over a real RabbitMQ with a real orderly, against a fake of the provider's API."""

from __future__ import annotations

import signal
import time
from typing import Any

from support import Adapter, Fake, Json, Proxy, Shop, broker_url, until


class Scenarios:
    """Mixed into the test case of each provider. Each scenario has a namespace, an orderly, an adapter and a fake of its own."""

    provider: str
    make_fake: type[Fake]
    looks = True  # whether the adapter can find a refund of its own at the provider
    asks = True  # whether the adapter asks the provider about a refund that a webhook tells of
    odd_currency: tuple[str, int]  # one whose unit at the provider is unusual, and a total in minor units of ISO 4217

    fake: Fake
    shop: Shop
    adapter: Adapter
    proxy: Proxy

    def setUp(self) -> None:
        self.fake = self.make_fake()
        self.shop = Shop(self.provider)
        self.addCleanup(self.shop.stop)
        self.proxy = Proxy(broker_url())
        self.adapter = Adapter(self.provider, self.fake, self.shop.namespace, self.proxy.url)
        self.addCleanup(self.adapter.process.stop)

    def tearDown(self) -> None:
        self.assertEqual(self.shop.get("/api/parked")["items"], [], "no callback is invalid, or contradicts an earlier one")

    # Steps

    def wait_for(self, order: str, **wanted: Any) -> Json:
        """Sends what webhooks there are until the order is as wanted."""

        def is_so(one: Json) -> bool:
            self.adapter.deliver()
            return all(one.get(name) == value for name, value in wanted.items())

        return self.shop.wait(order, is_so)

    def settle(self, order: str) -> Json:
        """The order when everything that was published before has been processed."""
        self.adapter.deliver()
        self.mark = getattr(self, "mark", 0) + 1
        self.shop.send("order.amend", order_id=order, metadata={"mark": self.mark})
        return self.shop.wait(order, lambda one: (one.get("metadata") or {}).get("mark") == self.mark)

    def paid(self, total: int = 1000, currency: str = "EUR") -> tuple[str, str]:
        """An order that was paid, and its attempt."""
        order = self.shop.place(total, currency)
        attempt = self.fake.pay(order, total, currency)
        self.wait_for(order, status="paid", paid=total)
        return order, attempt

    def authorized(self, total: int = 1000) -> tuple[str, str]:
        """An order that is confirmed by its authorization, and the attempt."""
        order = self.shop.place(total, confirm_on="authorization")
        attempt = self.fake.authorize(order, total, "EUR")
        self.wait_for(order, status="authorized", authorized=total)
        return order, attempt

    def refund(self, order: str, amount: int, refund: str = "r-1") -> None:
        self.shop.send("refund.request", order_id=order, refund_id=refund, amount=amount)

    def refund_state(self, order: str, state: str) -> Json:
        """Waits until the first refund is in that state."""

        def is_so(one: Json) -> bool:
            self.adapter.deliver()
            return bool(one["refunds"]) and one["refunds"][0]["state"] == state

        return self.shop.wait(order, is_so)

    def wait_for_another_try(self, attempt: str) -> None:
        """Waits until a refund was made, and the adapter, which did not hear of it, has tried again."""
        until("the refund", lambda: self.fake.made(attempt))
        calls = len(self.fake.calls)
        until("another try", lambda: len(self.fake.calls) > calls)
        time.sleep(0.5)

    # Payments

    def test_a_payment_counts_once_however_often_it_is_told(self) -> None:
        order = self.shop.place()
        self.fake.pay(order, 1000, "EUR")
        hooks = list(self.fake.outbox)
        for _ in range(3):
            self.adapter.deliver(*hooks)
        self.wait_for(order, status="paid")
        after = self.settle(order)
        self.assertEqual((after["paid"], len(after["attempts"])), (1000, 1))
        told: dict[str, Json] = {}
        for callback in self.shop.callbacks():
            self.assertEqual(told.setdefault(callback["event_id"], callback), callback, "one event, one content")
        self.assertIn("captured", [callback["kind"] for callback in told.values()])

    def test_a_capture_may_come_before_its_authorization(self) -> None:
        order = self.shop.place(confirm_on="authorization")
        attempt = self.fake.authorize(order, 1000, "EUR")
        authorizations, self.fake.outbox = self.fake.outbox, []
        self.fake.capture_in_dashboard(attempt, 1000)
        self.wait_for(order, status="paid", paid=1000)
        self.adapter.deliver(*authorizations)
        after = self.settle(order)
        self.assertEqual((after["status"], after["paid"], after["authorized"]), ("paid", 1000, 0))
        kinds = [item["kind"] for item in self.shop.timeline(order)]
        self.assertNotIn("payment.void_requested", kinds)
        self.assertNotIn("payment.refund_requested", kinds)

    def test_a_customer_whose_bank_declines_may_pay_another_way(self) -> None:
        order = self.shop.place()
        self.fake.decline(order, 1000, "EUR")
        self.shop.wait(order, lambda one: self.adapter.deliver() or [a["state"] for a in one["attempts"]] == ["failed"])
        self.fake.pay(order, 1000, "EUR")
        self.assertEqual(self.wait_for(order, status="paid")["paid"], 1000)

    def test_a_payment_that_is_not_of_orderly_is_left_alone(self) -> None:
        self.fake.pay("", 1000, "EUR")
        self.adapter.deliver()
        self.assertEqual(self.shop.callbacks(), [])

    def test_an_unusual_currency_keeps_its_amount(self) -> None:
        currency, total = self.odd_currency
        order, _ = self.paid(total, currency)
        self.refund(order, total)
        after = self.wait_for(order, status="refunded")
        self.assertEqual((after["paid"], after["refunded"], after["currency"]), (total, total, currency))

    def test_a_forged_webhook_is_refused_and_nothing_is_published(self) -> None:
        order = self.shop.place()
        self.fake.pay(order, 1000, "EUR")
        hooks = list(self.fake.outbox)
        for hook in hooks:
            self.assertEqual(self.adapter.post(self.fake.forged(hook))[0], 401)
        self.assertEqual(self.shop.callbacks(), [])
        self.wait_for(order, status="paid")

    def test_a_webhook_is_not_taken_while_the_broker_is_away(self) -> None:
        order, waiting = self.shop.place(), self.paid()[0]
        self.fake.pay(order, 1000, "EUR")
        hooks, self.fake.outbox = self.fake.outbox, []
        self.proxy.cut()
        try:
            answers = [self.adapter.post(self.fake.signed(hook))[0] for hook in hooks]
            self.refund(waiting, 300)
        finally:
            self.proxy.restore()
        self.assertIn(503, answers)
        self.assertTrue(set(answers) <= {200, 503}, answers)  # 200 for events that mean nothing to orderly
        self.assertEqual(self.shop.order(order)["status"], "awaiting_payment")
        self.adapter.deliver(*hooks)
        self.wait_for(order, status="paid")
        self.wait_for(waiting, refunded=300)

    def test_a_connection_that_was_just_lost_is_replaced(self) -> None:
        self.paid()
        self.fake.pay(self.shop.place(), 1000, "EUR")
        self.proxy.cut()
        self.proxy.restore()
        self.adapter.deliver()
        self.assertEqual([callback["kind"] for callback in self.shop.callbacks()].count("captured"), 2)

    def test_a_webhook_is_not_taken_while_the_provider_cannot_be_asked(self) -> None:
        order, attempt = self.paid()
        self.fake.refund_in_dashboard(attempt, 400)
        hooks, self.fake.outbox = self.fake.outbox, []
        self.fake.is_down = True
        answers = {self.adapter.post(self.fake.signed(hook))[0] for hook in hooks}
        self.fake.is_down = False
        self.assertEqual(answers - {200} or {503}, {503})
        self.assertEqual(503 in answers, self.asks, "an adapter that need not ask takes it")
        self.adapter.deliver(*hooks)
        self.wait_for(order, refunded=400)

    # Authorize now, capture later

    def test_parts_are_captured_and_all_of_it_goes_back(self) -> None:
        order, attempt = self.authorized()
        self.shop.send("order.capture", order_id=order, amount=600)
        if self.fake.once_final:
            self.wait_for(order, status="partially_paid", paid=600, authorized=0)
            self.assertEqual(self.settle(order)["refunded"], 0, "what was never taken is no refund")
            taken = 600
        else:
            self.wait_for(order, status="authorized", paid=600, authorized=400)
            self.shop.send("order.capture", order_id=order, amount=150)
            self.wait_for(order, status="authorized", paid=750, authorized=250)
            taken = 750
        self.shop.send("order.cancel", order_id=order)
        after = self.wait_for(order, status="refunded", paid=taken, refunded=taken)
        self.assertEqual([one["attempt_id"] for one in after["attempts"]], [attempt])
        self.shop.wait(order, lambda one: self.adapter.deliver() or one["attempts"][0]["final"])
        after = self.settle(order)
        self.assertEqual((after["refunded"], after["paid"], after["authorized"]), (taken, taken, 0))

    def test_a_cancelled_order_gives_its_authorization_up(self) -> None:
        order, attempt = self.authorized()
        self.shop.send("order.cancel", order_id=order)
        self.shop.wait(order, lambda one: self.adapter.deliver() or one["attempts"][0]["state"] == "voided")
        after = self.settle(order)
        self.assertEqual((after["status"], after["refunded"]), ("cancelled", 0))
        self.assertEqual(self.fake.made(attempt), [], "what was never taken is not sent back")

    def test_an_authorization_that_ran_out_is_lost(self) -> None:
        order, attempt = self.authorized()
        self.fake.expire(attempt)
        self.wait_for(order, status="awaiting_payment", authorized=0)

    def test_a_capture_whose_answer_was_lost_counts_once(self) -> None:
        order, _ = self.authorized()
        self.fake.trouble = ["lost answer"]
        self.shop.send("order.capture", order_id=order)
        until("the capture", lambda: self.fake.outbox)
        hooks, self.fake.outbox = self.fake.outbox, []
        time.sleep(2)  # the request comes back after a second, and the webhook only then
        self.assertEqual(self.shop.order(order)["status"], "authorized")
        self.adapter.deliver(*hooks)
        self.assertEqual(self.wait_for(order, status="paid")["paid"], 1000)

    def test_a_capture_that_is_refused_ends_its_attempt(self) -> None:
        order, _ = self.authorized()
        self.fake.trouble = ["down", "refuse"]
        self.shop.send("order.capture", order_id=order)
        after = self.wait_for(order, status="awaiting_payment", authorized=0)
        self.assertEqual(after["attempts"][0]["state"], "failed")

    # Refunds

    def test_a_refund_is_made_once_though_its_answer_was_lost(self) -> None:
        order, attempt = self.paid()
        self.fake.trouble = ["down", "lost answer"]
        self.refund(order, 300)
        self.wait_for_another_try(attempt)
        self.wait_for(order, status="partially_refunded", refunded=300)
        self.assertEqual(len(self.fake.made(attempt)), 1)
        refunds = self.settle(order)["refunds"]
        self.assertEqual([(one["refund_id"], one["state"]) for one in refunds], [("r-1", "succeeded")])

    def test_a_refund_is_made_once_though_the_provider_has_forgotten_its_key(self) -> None:
        if not self.looks:
            self.skipTest("the provider cannot be asked")
        order, attempt = self.paid()
        self.fake.trouble = ["forgotten"]
        self.refund(order, 300)
        self.wait_for_another_try(attempt)
        self.wait_for(order, refunded=300)
        self.assertEqual(len(self.fake.made(attempt)), 1)

    def test_an_adapter_that_was_killed_asks_again_with_the_same_key(self) -> None:
        order, attempt = self.paid()
        self.fake.trouble = ["hang"]
        self.refund(order, 300)
        first = until("a request", lambda: self.fake.requests("refund"))
        self.adapter.process.stop(signal.SIGKILL)
        made = until("the refund", lambda: self.fake.made(attempt))
        self.adapter.process.start()
        self.wait_for(order, refunded=300)
        self.assertEqual(len(self.fake.made(attempt)), len(made))
        keys = {call.headers[self.fake.key_header.lower()] for call in first + self.fake.requests("refund")}
        self.assertEqual(len(keys), 1)

    def test_a_refund_that_is_refused_may_be_requested_again(self) -> None:
        order, attempt = self.paid()
        self.fake.trouble = ["refuse"]
        self.refund(order, 300)
        self.refund_state(order, "failed")
        self.refund(order, 300)
        self.wait_for(order, status="partially_refunded", refunded=300)
        keys = [call.headers[self.fake.key_header.lower()] for call in self.fake.requests("refund")]
        self.assertEqual(len(set(keys)), 2, "another try has another key")
        self.assertEqual(len(self.fake.made(attempt)), 1)

    def test_a_refund_that_bounces_is_owed_again(self) -> None:
        order, attempt = self.paid()
        self.refund(order, 300)
        self.wait_for(order, status="partially_refunded", refunded=300)
        self.fake.bounce()
        hooks = list(self.fake.outbox)
        self.assertTrue(hooks)
        self.wait_for(order, status="paid", refunded=0)
        self.fake.trouble = ["down"] * 3
        self.refund(order, 300)
        self.refund_state(order, "requested")
        self.adapter.deliver(*hooks)  # late news of the first try say nothing of the second
        self.assertEqual(self.settle(order)["refunds"][0]["state"], "requested")
        self.wait_for(order, status="partially_refunded", refunded=300)
        self.adapter.deliver(*hooks)
        self.assertEqual(self.settle(order)["refunded"], 300)
        self.assertEqual(len(self.fake.made(attempt)), 2)

    def test_a_refund_in_the_dashboard_counts_once(self) -> None:
        order, attempt = self.paid()
        self.fake.refund_in_dashboard(attempt, 400)
        hooks = list(self.fake.outbox)
        self.wait_for(order, status="partially_refunded", refunded=400)
        self.adapter.deliver(*hooks, *hooks)
        after = self.settle(order)
        self.assertEqual(after["refunded"], 400)
        self.refund(order, 600)
        self.wait_for(order, status="refunded", refunded=1000)

    # Disputes

    def test_a_dispute_shows_until_it_is_won(self) -> None:
        order, attempt = self.paid()
        self.fake.dispute(attempt)
        self.wait_for(order, disputed=True)
        self.fake.close_dispute(attempt, is_won=True)
        self.wait_for(order, disputed=False)
        self.assertEqual(self.settle(order)["status"], "paid")

    def test_a_lost_dispute_stays(self) -> None:
        order, attempt = self.paid()
        self.fake.dispute(attempt)
        opened, self.fake.outbox = self.fake.outbox, []
        self.fake.close_dispute(attempt, is_won=False)
        self.wait_for(order, disputed=True)
        self.adapter.deliver(*opened)
        after = self.settle(order)
        self.assertEqual((after["disputed"], [one["state"] for one in after["disputes"]]), (True, ["lost"]))

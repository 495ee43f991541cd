"""The adapter for Stripe against a fake of Stripe's API."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import unittest

from scenarios import Scenarios
from support import Call, Fake, Json, Problem, Webhook

SECRET = "whsec_test"
KEY = "sk_test_fake"
# Stripe's unit in minor units of ISO 4217: https://docs.stripe.com/currencies
UNITS = {"ISK": 100, "UGX": 100}


class FakeStripe(Fake):
    """https://docs.stripe.com/api: charges, PaymentIntents, refunds, disputes, events."""

    def __init__(self) -> None:
        super().__init__()
        self.charges: dict[str, Json] = {}
        self.refunds: dict[str, Json] = {}
        self.disputes: dict[str, Json] = {}

    def environment(self) -> dict[str, str]:
        return {"STRIPE_API_URL": self.url, "STRIPE_API_KEY": KEY, "STRIPE_WEBHOOK_SECRET": f"whsec_next,{SECRET}"}

    def id(self, prefix: str) -> str:
        self.seconds += 1
        return f"{prefix}_3Fake{self.seconds:06}"

    def event(self, kind: str, thing: Json) -> None:
        event = {
            "id": self.id("evt"), "object": "event", "api_version": "2024-06-20", "created": self.now(), "livemode": False,
            "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None}, "type": kind, "data": {"object": thing},
        }  # fmt: skip
        self.outbox.append(Webhook(json.dumps(event).encode()))

    def signed(self, webhook: Webhook, secret: str = SECRET, age: int = 0) -> Webhook:
        at = str(int(time.time()) - age)
        signature = hmac.new(secret.encode(), f"{at}.".encode() + webhook.body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={at},v1={signature},v0=6ffbb59b2300aae63f27"}
        return Webhook(webhook.body, headers)

    def forged(self, webhook: Webhook) -> Webhook:
        return self.signed(webhook, secret="whsec_guessed")

    def charge(self, order: str, amount: int, currency: str, **more: object) -> Json:
        own = amount * UNITS.get(currency, 1)
        charge = {
            "id": self.id("ch"), "object": "charge", "amount": own, "amount_captured": 0, "amount_refunded": 0,
            "balance_transaction": None, "captured": False, "created": self.now(), "currency": currency.lower(),
            "disputed": False, "failure_code": None, "metadata": {"order_id": order} if order else {}, "paid": True,
            "payment_intent": self.id("pi"), "refunded": False, "status": "succeeded",
        } | more  # fmt: skip
        self.charges[charge["id"]] = charge
        return charge

    def authorize(self, order: str, amount: int, currency: str) -> str:
        charge = self.charge(order, amount, currency)
        self.event("charge.succeeded", charge)
        self.intent_event("amount_capturable_updated", charge)
        return charge["id"]

    def pay(self, order: str, amount: int, currency: str) -> str:
        charge = self.charge(order, amount, currency, captured=True)
        charge |= {"amount_captured": charge["amount"], "balance_transaction": self.id("txn")}
        self.event("charge.succeeded", charge)
        self.intent_event("succeeded", charge)
        return charge["id"]

    def decline(self, order: str, amount: int, currency: str) -> None:
        charge = self.charge(order, amount, currency, paid=False, status="failed", failure_code="card_declined")
        self.event("charge.failed", charge)
        self.intent_event("payment_failed", charge)

    def intent_event(self, kind: str, charge: Json, **more: object) -> None:
        intent = {"id": charge["payment_intent"], "object": "payment_intent", "amount": charge["amount"]}
        intent |= {"latest_charge": charge["id"], "metadata": charge["metadata"], "cancellation_reason": None} | more
        self.event(f"payment_intent.{kind}", intent)

    def release(self, charge: Json, amount: int) -> None:
        """Stripe shows the rest of an authorization as refunded."""
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.new_refund(charge, amount, {}, balance_transaction=None)

    def expire(self, attempt: str) -> None:
        charge = self.charges[attempt]
        self.event("charge.expired", charge)
        self.release(charge, charge["amount"])
        self.intent_event("canceled", charge, cancellation_reason="automatic")

    def capture_in_dashboard(self, attempt: str, amount: int) -> None:
        charge = self.charges[attempt]
        charge |= {"captured": True, "amount_captured": amount, "balance_transaction": self.id("txn")}
        self.event("charge.captured", charge)
        if amount < charge["amount"]:
            self.release(charge, charge["amount"] - amount)
        self.intent_event("succeeded", charge)

    def new_refund(self, charge: Json, amount: int, metadata: Json, **more: object) -> Json:
        refund = {
            "id": self.id("re"), "object": "refund", "amount": amount, "balance_transaction": self.id("txn"),
            "charge": charge["id"], "created": self.now(), "currency": charge["currency"], "metadata": metadata,
            "payment_intent": charge["payment_intent"], "status": "succeeded",
        } | more  # fmt: skip
        self.refunds[refund["id"]] = refund
        self.event("charge.refunded", charge)
        self.event("refund.created", refund)
        self.event("charge.refund.updated", refund)
        return refund

    def refund_in_dashboard(self, attempt: str, amount: int) -> None:
        charge = self.charges[attempt]
        charge["amount_refunded"] += amount
        self.new_refund(charge, amount, {})

    def made(self, attempt: str) -> list[Json]:
        return [one for one in self.refunds.values() if one["charge"] == attempt and one["balance_transaction"]]

    def bounce(self) -> None:
        refund = list(self.refunds.values())[-1]
        refund |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
        for kind in ("refund.failed", "refund.updated", "charge.refund.updated"):
            self.event(kind, refund)

    def dispute(self, attempt: str) -> None:
        charge = self.charges[attempt]
        dispute = {"id": self.id("dp"), "object": "dispute", "amount": charge["amount"], "charge": attempt, "metadata": {}}
        dispute |= {"currency": charge["currency"], "reason": "fraudulent", "status": "needs_response"}
        self.disputes[attempt] = dispute
        self.event("charge.dispute.created", dispute)
        self.event("charge.dispute.funds_withdrawn", dispute)

    def close_dispute(self, attempt: str, is_won: bool) -> None:
        self.disputes[attempt]["status"] = "won" if is_won else "lost"
        for kind in ("charge.dispute.updated", "charge.dispute.closed"):
            self.event(kind, self.disputes[attempt])

    def answer(self, call: Call) -> Json:
        if call.headers.get("authorization") != f"Bearer {KEY}":
            raise Problem(401, {"error": {"type": "invalid_request_error"}})
        match call.method, call.path.strip("/").split("/")[1:]:
            case "GET", ["charges", id]:
                return self.charges[id]
            case "GET", ["refunds"]:
                (charge,) = call.query["charge"]
                found = [one for one in self.refunds.values() if one["charge"] == charge]
                return {"object": "list", "data": [self.expanded(one) for one in reversed(found)], "has_more": False}
            case "GET", ["refunds", id]:
                return self.expanded(self.refunds[id]) if call.query.get("expand[]") == ["charge"] else self.refunds[id]
            case "POST", ["refunds"]:
                form = call.form()
                charge, amount = self.charges[form["charge"]], int(form["amount"])
                if not charge["captured"] or amount > charge["amount"] - charge["amount_refunded"]:
                    raise Problem(400, {"error": {"code": "charge_already_refunded"}})
                names = {name: form[f"metadata[{name}]"] for name in ("order_id", "refund_id", "orderly_key")}
                charge["amount_refunded"] += amount
                return self.expanded(self.new_refund(charge, amount, names))
            case "POST", ["payment_intents", id, ("capture" | "cancel") as what]:
                (charge,) = (one for one in self.charges.values() if one["payment_intent"] == id)
                if charge["captured"] or charge["refunded"]:
                    raise Problem(400, {"error": {"code": "payment_intent_unexpected_state"}})
                if what == "capture":
                    self.capture_in_dashboard(charge["id"], int(call.form()["amount_to_capture"]))
                else:
                    self.release(charge, charge["amount"])
                    self.intent_event("canceled", charge)
                return {"id": id, "object": "payment_intent"}
        raise Problem(404, {"error": {"type": "invalid_request_error"}})

    def expanded(self, refund: Json) -> Json:
        return refund | {"charge": self.charges[refund["charge"]]}


class StripeTest(Scenarios, unittest.TestCase):
    """The scenarios, and what is Stripe's own."""

    provider, make_fake, odd_currency = "stripe", FakeStripe, ("ISK", 5000)

    def test_a_signature_must_be_fresh_and_of_this_body(self) -> None:
        self.fake.pay(self.shop.place(), 1000, "EUR")
        hook = self.fake.outbox[0]
        signed = self.fake.signed(hook)
        changed = Webhook(hook.body.replace(b"1000", b"9999"), signed.headers)
        for webhook in (self.fake.signed(hook, age=600), self.fake.signed(hook, age=-600), changed, hook):
            self.assertEqual(self.adapter.post(webhook)[0], 401)
        self.assertEqual(self.shop.callbacks(), [])
        self.assertEqual(self.adapter.post(self.fake.signed(hook, age=200))[0], 200)

    def test_a_success_that_is_told_after_the_failure_of_the_refund_does_not_count(self) -> None:
        order, attempt = self.paid()
        self.fake.refund_in_dashboard(attempt, 400)
        success, self.fake.outbox = self.fake.outbox, []
        self.fake.bounce()
        self.adapter.deliver()
        self.adapter.deliver(*success)
        self.assertEqual(self.settle(order)["refunded"], 0)


if __name__ == "__main__":
    unittest.main()

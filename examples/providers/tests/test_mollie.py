"""The adapter for Mollie against a fake of Mollie's API."""

from __future__ import annotations

import hashlib
import hmac
import json
import unittest
from datetime import UTC, datetime
from urllib.parse import urlencode

from scenarios import Scenarios
from support import Call, Fake, Json, Problem, Webhook

KEY = "test_fake"
SECRET = "mollie-secret"


def text(amount: int, currency: str) -> Json:
    """An amount in minor units as Mollie has it."""
    value = str(amount) if currency == "JPY" else f"{amount // 100}.{amount % 100:02}"
    return {"currency": currency, "value": value}


def minor(amount: Json) -> int:
    return int(amount["value"].replace(".", ""))


class FakeMollie(Fake):
    """https://docs.mollie.com: payments, captures, refunds and chargebacks of API v2. Amounts of a payment are running totals.
    A refund is on its way when it is made, and has arrived when one looks again."""

    once_final = False

    def __init__(self) -> None:
        super().__init__()
        self.payments: dict[str, Json] = {}

    def environment(self) -> dict[str, str]:
        return {"MOLLIE_API_URL": self.url, "MOLLIE_API_KEY": KEY, "MOLLIE_WEBHOOK_SECRET": SECRET}

    def id(self, prefix: str) -> str:
        self.seconds += 1
        return f"{prefix}_5Fake{self.seconds:06}"

    def at(self) -> str:
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")

    def hint(self, payment: Json) -> None:
        """The classic webhook: it names the payment."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self.outbox.append(Webhook(urlencode({"id": payment["id"]}).encode(), form))

    def next_gen(self, kind: str, entity: Json, secret: str = SECRET) -> Webhook:
        """A next-gen webhook: an event with a snapshot, signed."""
        event = {"resource": "event", "id": self.id("event"), "type": kind, "entityId": entity["id"], "createdAt": self.at()}
        body = json.dumps(event | {"_embedded": {"entity": entity}}).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return Webhook(body, {"Content-Type": "application/json", "X-Mollie-Signature": f"sha256={signature}"})

    def forged(self, webhook: Webhook) -> Webhook:
        id = webhook.body.decode().partition("=")[2]
        return self.next_gen("payment.paid", {"id": id}, secret="guessed")

    def payment(self, order: str, amount: int, currency: str, status: str, **more: object) -> Json:
        payment = {
            "resource": "payment", "id": self.id("tr"), "mode": "test", "amount": text(amount, currency), "status": status,
            "createdAt": self.at(), "isCancelable": False, "metadata": {"order_id": order} if order else None,
            "_embedded": {"captures": [], "refunds": [], "chargebacks": []},
        } | more  # fmt: skip
        self.payments[payment["id"]] = payment
        self.hint(payment)
        return payment

    def authorize(self, order: str, amount: int, currency: str) -> str:
        more = {"captureMode": "manual", "authorizedAt": self.at(), "isCancelable": True}
        return str(self.payment(order, amount, currency, "authorized", **more)["id"])

    def pay(self, order: str, amount: int, currency: str) -> str:
        return str(self.payment(order, amount, currency, "paid", paidAt=self.at())["id"])

    def decline(self, order: str, amount: int, currency: str) -> None:
        self.payment(order, amount, currency, "failed", failedAt=self.at())

    def expire(self, attempt: str) -> None:
        self.payments[attempt] |= {"status": "expired", "expiredAt": self.at()}
        self.hint(self.payments[attempt])

    def capture_in_dashboard(self, attempt: str, amount: int) -> None:
        self.take(self.payments[attempt], text(amount, self.payments[attempt]["amount"]["currency"]), None)

    def take(self, payment: Json, amount: Json, metadata: Json | None) -> Json:
        capture = {"resource": "capture", "id": self.id("cpt"), "amount": amount, "status": "succeeded", "createdAt": self.at()}
        capture |= {"paymentId": payment["id"], "metadata": metadata}
        payment["_embedded"]["captures"].insert(0, capture)  # the newest first
        total = sum(minor(one["amount"]) for one in payment["_embedded"]["captures"])
        payment["amountCaptured"] = text(total, amount["currency"])
        if total >= minor(payment["amount"]):
            payment |= {"status": "paid", "paidAt": self.at()}
        self.hint(payment)
        return capture

    def send_back(self, payment: Json, amount: Json, metadata: Json | None) -> Json:
        refund = {"resource": "refund", "id": self.id("re"), "amount": amount, "status": "pending", "createdAt": self.at()}
        refund |= {"paymentId": payment["id"], "metadata": metadata}
        answer = dict(refund)
        refund["status"] = "refunded"
        payment["_embedded"]["refunds"].insert(0, refund)
        payment["amountRefunded"] = text(sum(minor(one["amount"]) for one in self.arrived(payment)), amount["currency"])
        self.hint(payment)
        return answer

    @staticmethod
    def arrived(payment: Json) -> list[Json]:
        return [one for one in payment["_embedded"]["refunds"] if one["status"] == "refunded"]

    def refund_in_dashboard(self, attempt: str, amount: int) -> None:
        payment = self.payments[attempt]
        self.send_back(payment, text(amount, payment["amount"]["currency"]), None)

    def made(self, attempt: str) -> list[Json]:
        return list(self.payments[attempt]["_embedded"]["refunds"])

    def bounce(self) -> None:
        payment = next(one for one in reversed(self.payments.values()) if one["_embedded"]["refunds"])
        payment["_embedded"]["refunds"][0]["status"] = "failed"
        self.hint(payment)

    def dispute(self, attempt: str) -> None:
        payment = self.payments[attempt]
        chargeback = {"resource": "chargeback", "id": self.id("chb"), "amount": payment["amount"], "createdAt": self.at()}
        payment["_embedded"]["chargebacks"].append(chargeback | {"paymentId": attempt, "reversedAt": None})
        self.hint(payment)

    def close_dispute(self, attempt: str, is_won: bool) -> None:
        if is_won:
            self.payments[attempt]["_embedded"]["chargebacks"][0]["reversedAt"] = self.at()
        self.hint(self.payments[attempt])

    def answer(self, call: Call) -> Json:
        if call.headers.get("authorization") != f"Bearer {KEY}":
            raise Problem(401, {"status": 401})
        id, *rest = call.path.strip("/").split("/")[2:]
        if id not in self.payments:
            raise Problem(404, {"status": 404, "title": "Not Found"})
        payment, body = self.payments[id], call.json()
        match call.method, rest:
            case "GET", []:
                embedded = set(call.query.get("embed", [""])[0].split(","))
                shown = {name: things for name, things in payment["_embedded"].items() if name in embedded}
                return payment | {"_embedded": shown}
            case "POST", ["captures"] if payment["status"] == "authorized":
                return self.take(payment, body["amount"], body["metadata"])
            case "POST", ["refunds"] if payment["status"] in ("paid", "authorized"):
                taken = payment.get("amountCaptured") or payment["amount"]
                gone = sum(minor(one["amount"]) for one in self.arrived(payment))
                if minor(body["amount"]) > minor(taken) - gone:
                    raise Problem(422, {"status": 422, "detail": "The amount is higher than the maximum"})
                return self.send_back(payment, body["amount"], body["metadata"])
            case "POST", ["release-authorization"] if payment["status"] == "authorized":
                word = "paid" if payment["_embedded"]["captures"] else "canceled"
                payment |= {"status": word, f"{word}At": self.at()}
                self.hint(payment)
                return {}
        raise Problem(422, {"status": 422, "title": "Unprocessable Entity"})


class MollieTest(Scenarios, unittest.TestCase):
    """The scenarios, and what is Mollie's own."""

    provider, make_fake, odd_currency = "mollie", FakeMollie, ("JPY", 5000)
    fake: FakeMollie

    def test_a_lost_dispute_stays(self) -> None:
        """Mollie takes the money back at once, and tells no more unless it gives the money back."""
        order, attempt = self.paid()
        self.fake.dispute(attempt)
        self.fake.close_dispute(attempt, is_won=False)
        self.wait_for(order, disputed=True)
        self.assertEqual(self.settle(order)["disputes"][0]["state"], "open")

    def test_a_hint_at_a_payment_that_is_unknown_is_answered_as_any_other(self) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for id in (b"id=tr_unknown", b"id=../../v2/balances", b"id=ord_1", b"what=ever", b"id=tr_1%0d%0aHost:evil"):
            self.assertEqual(self.adapter.post(Webhook(id, form))[0], 200)
        self.assertEqual(self.shop.callbacks(), [])
        self.assertEqual([call.path for call in self.fake.calls], ["/v2/payments/tr_unknown"])

    def test_the_adapter_looks_after_a_refund_of_which_it_hears_no_more(self) -> None:
        order, _ = self.paid()
        self.refund(order, 300)
        self.assertEqual(self.shop.wait_for(order, refunded=300)["status"], "partially_refunded")

    def test_next_gen_webhooks_are_verified_and_lead_to_their_payment(self) -> None:
        order = self.shop.place()
        attempt = self.fake.pay(order, 1000, "EUR")
        self.fake.outbox = [self.fake.next_gen("payment.paid", {"id": attempt})]
        self.wait_for(order, status="paid")
        self.fake.refund_in_dashboard(attempt, 400)
        self.fake.outbox = [self.fake.next_gen("refund.refunded", {"id": "re_1", "paymentId": attempt})]
        self.wait_for(order, refunded=400)


if __name__ == "__main__":
    unittest.main()

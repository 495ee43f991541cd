"""The adapter for PayPal against a fake of PayPal's API."""

from __future__ import annotations

import base64
import json
import unittest
import zlib
from datetime import UTC, datetime

from scenarios import Scenarios
from support import Call, Fake, Json, Problem, Webhook

WEBHOOK_ID = "1JE4291016473214C"
LOGIN = base64.b64encode(b"client:secret").decode()
TOKEN = "A21AAFake"


def text(amount: int, currency: str) -> Json:
    """An amount in minor units of ISO 4217 as PayPal has it."""
    value = str(amount // 100) if currency == "HUF" else f"{amount // 100}.{amount % 100:02}"
    return {"currency_code": currency, "value": value}


def cents(amount: Json) -> int:
    """An amount as PayPal reads it."""
    decimals = len(amount["value"].partition(".")[2])
    if decimals != (0 if amount["currency_code"] in ("HUF", "JPY", "TWD") else 2):
        raise Problem(422, {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "DECIMAL_PRECISION"}]})
    return round(float(amount["value"]) * 100)


class FakePayPal(Fake):
    """https://developer.paypal.com: Orders v2, Payments v2, webhooks v1. PayPal signs the CRC32 of the body; a text that holds it
    stands for the signature here."""

    key_header = "PayPal-Request-Id"
    once_final = False

    def __init__(self) -> None:
        super().__init__()
        self.orders: dict[str, Json] = {}
        self.waits = False  # whether a refund takes its time
        self.tokens = 0

    def environment(self) -> dict[str, str]:
        names = {"CLIENT_ID": "client", "CLIENT_SECRET": "secret", "WEBHOOK_ID": WEBHOOK_ID, "API_URL": self.url}
        return {f"PAYPAL_{name}": value for name, value in names.items()}

    def id(self) -> str:
        self.seconds += 1
        return f"{self.seconds:07}FAKE26"

    def at(self) -> str:
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def event(self, kind: str, resource: Json, **more: object) -> None:
        event = {
            "id": f"WH-{self.id()}", "event_version": "1.0", "create_time": self.at(), "event_type": kind,
            "resource_version": "2.0", "resource": resource,
        } | more  # fmt: skip
        # not as Python would write it again: the signature is of these bytes
        self.outbox.append(Webhook(json.dumps(event, indent=1, separators=(" ,", " : ")).encode()))

    def signed(self, webhook: Webhook, signer: str = "PayPal") -> Webhook:
        headers = {
            "Content-Type": "application/json",
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
            "PAYPAL-CERT-URL": f"{self.url}/v1/notifications/certs/CERT-1",
            "PAYPAL-TRANSMISSION-ID": "69cd13f0-d67a-11e5-baa3-778b53f4ae55",
            "PAYPAL-TRANSMISSION-TIME": "2026-01-01T00:00:00Z",
            "PAYPAL-TRANSMISSION-SIG": f"{signer} signs {zlib.crc32(webhook.body)}",
        }
        return Webhook(webhook.body, headers)

    def forged(self, webhook: Webhook) -> Webhook:
        return self.signed(webhook, signer="somebody")

    def order(self, order: str) -> Json:
        payments: Json = {"authorizations": [], "captures": [], "refunds": []}
        unit = {"reference_id": "default", "custom_id": order, "payments": payments}
        found = {"id": self.id(), "status": "APPROVED", "purchase_units": [unit]}
        self.orders[found["id"]] = found
        return found

    @staticmethod
    def payments(order: Json) -> Json:
        return order["purchase_units"][0]["payments"]

    def thing(self, order: Json, amount: Json, status: str, **more: object) -> Json:
        """An authorization or a capture."""
        related = {"related_ids": {"order_id": order["id"]}}
        thing = {"id": self.id(), "amount": amount, "status": status, "create_time": self.at(), "supplementary_data": related}
        if custom := order["purchase_units"][0]["custom_id"]:
            thing["custom_id"] = custom
        return thing | more

    def authorize(self, order: str, amount: int, currency: str) -> str:
        own = self.order(order)
        authorization = self.thing(own, text(amount, currency), "CREATED")
        self.payments(own)["authorizations"].append(authorization)
        self.event("PAYMENT.AUTHORIZATION.CREATED", authorization)
        return str(own["id"])

    def pay(self, order: str, amount: int, currency: str) -> str:
        own = self.order(order)
        self.event("CHECKOUT.ORDER.APPROVED", own)
        self.take(own, text(amount, currency), True)
        return str(own["id"])

    def take(self, order: Json, amount: Json, is_final: bool) -> Json:
        capture = self.thing(order, amount, "COMPLETED", final_capture=is_final)
        if authorizations := self.payments(order)["authorizations"]:
            # as PayPal sends it: a capture of an authorization may name only that
            up = f"{self.url}/v2/payments/authorizations/{authorizations[0]['id']}"
            capture |= {"links": [{"href": up, "rel": "up", "method": "GET"}], "supplementary_data": {}}
        self.payments(order)["captures"].append(capture)
        self.event("PAYMENT.CAPTURE.COMPLETED", capture)
        return capture

    def decline(self, order: str, amount: int, currency: str) -> None:
        self.event("PAYMENT.CAPTURE.DENIED", self.thing(self.order(order), text(amount, currency), "DECLINED"))

    def expire(self, attempt: str) -> None:
        authorization = self.payments(self.orders[attempt])["authorizations"][0]
        authorization["status"] = "VOIDED"
        self.event("PAYMENT.AUTHORIZATION.VOIDED", authorization)

    def capture_in_dashboard(self, attempt: str, amount: int) -> None:
        self.capture(self.orders[attempt], self.payments(self.orders[attempt])["authorizations"][0], text(amount, "EUR"), False)

    def capture(self, order: Json, authorization: Json, amount: Json, is_final: bool) -> Json:
        capture = self.take(order, amount, is_final)
        taken = sum(cents(one["amount"]) for one in self.payments(order)["captures"])
        authorization["status"] = "CAPTURED" if taken >= cents(authorization["amount"]) else "PARTIALLY_CAPTURED"
        return capture

    def send_back(self, order: Json, capture: Json, amount: Json, kind: str = "REFUNDED", **more: object) -> Json:
        links = [{"href": f"{self.url}/v2/payments/captures/{capture['id']}", "rel": "up", "method": "GET"}]
        status = "PENDING" if self.waits else "COMPLETED"
        refund = {"id": self.id(), "amount": amount, "status": status, "create_time": self.at(), "links": links} | more
        self.payments(order)["refunds"].append(refund)
        if not self.waits:
            self.event(f"PAYMENT.CAPTURE.{kind}", refund, resource_type="refund")
        return refund

    def refund_in_dashboard(self, attempt: str, amount: int) -> None:
        capture = self.payments(self.orders[attempt])["captures"][0]
        self.send_back(self.orders[attempt], capture, text(amount, capture["amount"]["currency_code"]))

    def made(self, attempt: str) -> list[Json]:
        return list(self.payments(self.orders[attempt])["refunds"])

    def dispute_event(self, kind: str, attempt: str, **more: object) -> None:
        capture = self.payments(self.orders[attempt])["captures"][0]
        transaction = {"seller_transaction_id": capture["id"], "buyer_transaction_id": "3BC38643YC807283D"}
        dispute = {"dispute_id": f"PP-D-{attempt}", "disputed_transactions": [transaction], "reason": "UNAUTHORISED"}
        self.event(f"CUSTOMER.DISPUTE.{kind}", dispute | more, resource_type="dispute")

    def dispute(self, attempt: str) -> None:
        self.dispute_event("CREATED", attempt, status="OPEN")
        self.dispute_event("UPDATED", attempt, status="UNDER_REVIEW")

    def close_dispute(self, attempt: str, is_won: bool) -> None:
        outcome = "RESOLVED_SELLER_FAVOUR" if is_won else "RESOLVED_BUYER_FAVOUR"
        self.dispute_event("RESOLVED", attempt, status="RESOLVED", dispute_outcome={"outcome_code": outcome})

    def find(self, what: str, id: str) -> tuple[Json, Json]:
        """The order and the thing with that id."""
        for order in self.orders.values():
            for one in self.payments(order)[what]:
                if one["id"] == id:
                    return order, one
        raise Problem(404, {"name": "RESOURCE_NOT_FOUND"})

    def answer(self, call: Call) -> Json:
        if call.path == "/v1/oauth2/token":
            if call.headers.get("authorization") != f"Basic {LOGIN}" or call.form() != {"grant_type": "client_credentials"}:
                raise Problem(401, {"error": "invalid_client"})
            self.tokens += 1
            return {"access_token": f"{TOKEN}{self.tokens}", "token_type": "Bearer", "expires_in": 31668}
        if call.headers.get("authorization") != f"Bearer {TOKEN}{self.tokens}":
            raise Problem(401, {"name": "AUTHENTICATION_FAILURE"})
        match call.method, call.path.strip("/").split("/")[1:]:
            case "POST", ["notifications", "verify-webhook-signature"]:
                raw = call.body.partition(b'"webhook_event": ')[2][:-1]
                is_signed = call.json()["transmission_sig"] == f"PayPal signs {zlib.crc32(raw)}"
                is_ours = call.json()["webhook_id"] == WEBHOOK_ID
                return {"verification_status": "SUCCESS" if is_signed and is_ours else "FAILURE"}
            case "GET", ["checkout", "orders", id]:
                return self.orders[id]
            case "GET", ["payments", "authorizations" | "captures" as what, id]:
                order, thing = self.find(what, id)
                return thing
            case "POST", ["payments", "authorizations", id, what]:
                order, authorization = self.find("authorizations", id)
                left = cents(authorization["amount"]) - sum(cents(one["amount"]) for one in self.payments(order)["captures"])
                is_open = authorization["status"] in ("CREATED", "PARTIALLY_CAPTURED")
                if what == "capture" and is_open and cents(call.json()["amount"]) <= left:
                    return self.capture(order, authorization, call.json()["amount"], call.json()["final_capture"])
                if what == "void" and is_open:
                    authorization["status"] = "VOIDED"
                    self.event("PAYMENT.AUTHORIZATION.VOIDED", authorization)
                    return authorization
            case "POST", ["payments", "captures", id, "refund"]:
                order, capture = self.find("captures", id)
                mine = [one for one in self.payments(order)["refunds"] if one["links"][0]["href"].endswith(id)]
                gone = sum(cents(one["amount"]) for one in mine if one["status"] in ("COMPLETED", "PENDING"))
                body = call.json()
                if cents(body["amount"]) <= cents(capture["amount"]) - gone:
                    names = {"custom_id": body["custom_id"], "invoice_id": body["invoice_id"]}
                    return self.send_back(order, capture, body["amount"], **names)
        raise Problem(422, {"name": "UNPROCESSABLE_ENTITY"})


class PayPalTest(Scenarios, unittest.TestCase):
    """The scenarios, and what is PayPal's own."""

    provider, make_fake, odd_currency = "paypal", FakePayPal, ("HUF", 500000)
    fake: FakePayPal

    def test_a_refund_that_bounces_is_owed_again(self) -> None:
        """A refund of PayPal that is not done at once may still fail, and PayPal has no webhook for that: the adapter looks."""
        order, attempt = self.paid()
        self.fake.waits = True
        self.refund(order, 300)
        self.shop.wait(order, lambda _: self.fake.made(attempt))
        self.assertEqual(self.settle(order)["refunds"][0]["state"], "requested")
        self.fake.made(attempt)[0]["status"] = "FAILED"
        self.refund_state(order, "failed")
        self.fake.waits = False
        self.refund(order, 300)
        self.wait_for(order, status="partially_refunded", refunded=300)
        self.assertEqual(len(self.fake.made(attempt)), 2)

    def test_a_refund_of_several_captures_is_made_of_each(self) -> None:
        order, attempt = self.authorized()
        for share in (600, 400):
            self.fake.capture_in_dashboard(attempt, share)
        self.wait_for(order, status="paid")
        self.fake.trouble = ["", "down"]  # the second of the two
        self.refund(order, 1000)
        self.wait_for(order, status="refunded", refunded=1000)
        self.assertEqual([one["amount"]["value"] for one in self.fake.made(attempt)], ["6.00", "4.00"])
        # both are shares of the one that was asked for
        refunds = self.shop.order(order)["refunds"]
        self.assertEqual([(one["state"], one["sent_back"]) for one in refunds], [("succeeded", 1000)])

    def test_a_reversal_by_paypal_takes_the_money_off(self) -> None:
        order, attempt = self.paid()
        capture = self.fake.payments(self.fake.orders[attempt])["captures"][0]
        self.fake.send_back(self.fake.orders[attempt], capture, capture["amount"], "REVERSED", note_to_payer="Payment reversed")
        self.wait_for(order, status="refunded", refunded=1000)

    def test_a_token_that_was_revoked_is_replaced(self) -> None:
        self.paid()
        order = self.shop.place()
        self.fake.pay(order, 1000, "EUR")
        self.fake.tokens += 1
        self.assertEqual(self.adapter.post(self.fake.signed(self.fake.outbox[1]))[0], 503)
        self.wait_for(order, status="paid")

    def test_a_webhook_without_a_signature_is_refused(self) -> None:
        self.fake.pay(self.shop.place(), 1000, "EUR")
        self.assertEqual(self.adapter.post(self.fake.outbox[1])[0], 401)
        self.assertEqual(self.shop.callbacks(), [])


if __name__ == "__main__":
    unittest.main()

"""The adapter for Adyen against a fake of Adyen's API."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import unittest
from datetime import UTC, datetime

from scenarios import Scenarios
from support import Call, Fake, Json, Problem, Webhook

KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
OTHER_KEY = "00" * 32
ACCOUNT = "TestMerchant"
# Adyen's unit in minor units of ISO 4217: https://docs.adyen.com/development-resources/currency-codes
UNITS = {"CLP": 100, "ISK": 100}


class FakeAdyen(Fake):
    """https://docs.adyen.com: the standard webhook and the modifications of Checkout API v71. `visa` is captured by request."""

    def __init__(self) -> None:
        super().__init__()
        self.payments: dict[str, Json] = {}
        self.refunds: list[Json] = []

    def environment(self) -> dict[str, str]:
        return {
            "ADYEN_API_URL": f"{self.url}/v71",
            "ADYEN_API_KEY": "AQE-fake",
            "ADYEN_MERCHANT_ACCOUNT": ACCOUNT,
            "ADYEN_HMAC_KEY": f"{'11' * 32},{KEY}",
            "ADYEN_MANUAL_CAPTURE": "visa,mc",
        }

    def reference(self) -> str:
        self.seconds += 1
        return f"{self.seconds:010}FAKE82"

    def notify(self, code: str, payment: Json, value: int, success: bool = True, **more: object) -> None:
        at = datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
        item = {
            "additionalData": {}, "amount": {"currency": payment["currency"], "value": value}, "eventCode": code,
            "eventDate": at, "merchantAccountCode": ACCOUNT, "merchantReference": payment["reference"],
            "originalReference": payment["psp"], "paymentMethod": payment["method"], "pspReference": self.reference(),
            "reason": "", "success": "true" if success else "false",
        } | more  # fmt: skip
        if item["pspReference"] == payment["psp"]:
            del item["originalReference"]
        body = {"live": "false", "notificationItems": [{"NotificationRequestItem": item}]}
        self.outbox.append(Webhook(json.dumps(body).encode(), {"Content-Type": "application/json"}))

    def signed(self, webhook: Webhook, key: str = KEY) -> Webhook:
        body = json.loads(webhook.body)
        for one in body["notificationItems"]:
            item = one["NotificationRequestItem"]
            names = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")
            text = ":".join([*(item.get(name, "") for name in names), str(item["amount"]["value"]), item["amount"]["currency"]])
            text += f":{item['eventCode']}:{item['success']}"
            signature = hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).digest()
            item["additionalData"]["hmacSignature"] = base64.b64encode(signature).decode()
        return Webhook(json.dumps(body).encode(), webhook.headers)

    def forged(self, webhook: Webhook) -> Webhook:
        return self.signed(webhook, OTHER_KEY)

    def payment(self, order: str, amount: int, currency: str, method: str) -> Json:
        payment = {"psp": self.reference(), "reference": order, "method": method, "currency": currency, "captured": 0}
        payment |= {"value": amount * UNITS.get(currency, 1), "refunded": 0, "open": False}
        self.payments[payment["psp"]] = payment
        return payment

    def authorize(self, order: str, amount: int, currency: str) -> str:
        payment = self.payment(order, amount, currency, "visa") | {"open": True}
        self.payments[payment["psp"]] = payment
        self.notify("AUTHORISATION", payment, payment["value"], pspReference=payment["psp"])
        return payment["psp"]

    def pay(self, order: str, amount: int, currency: str) -> str:
        payment = self.payment(order, amount, currency, "ideal")
        payment["captured"] = payment["value"]
        if order:
            self.notify("AUTHORISATION", payment, payment["value"], pspReference=payment["psp"])
        else:  # of another merchant account
            self.notify("AUTHORISATION", payment, 1, pspReference=payment["psp"], merchantAccountCode="OtherMerchant")
        return payment["psp"]

    def decline(self, order: str, amount: int, currency: str) -> None:
        payment = self.payment(order, amount, currency, "visa")
        self.notify("AUTHORISATION", payment, payment["value"], False, pspReference=payment["psp"], reason="Refused")

    def expire(self, attempt: str) -> None:
        self.payments[attempt]["open"] = False
        self.notify("EXPIRE", self.payments[attempt], self.payments[attempt]["value"])

    def capture_in_dashboard(self, attempt: str, amount: int) -> None:
        self.take(self.payments[attempt], amount, self.payments[attempt]["reference"])

    def take(self, payment: Json, value: int, reference: str) -> None:
        payment |= {"captured": value, "open": False}
        self.notify("CAPTURE", payment, value, merchantReference=reference)

    def send_back(self, payment: Json, value: int, reference: str) -> str:
        refund = {"psp": self.reference(), "payment": payment, "value": value, "reference": reference}
        payment["refunded"] += value
        self.refunds.append(refund)
        self.notify("REFUND", payment, value, merchantReference=reference, pspReference=refund["psp"])
        return str(refund["psp"])

    def refund_in_dashboard(self, attempt: str, amount: int) -> None:
        self.send_back(self.payments[attempt], amount, self.payments[attempt]["reference"])

    def made(self, attempt: str) -> list[Json]:
        return [one for one in self.refunds if one["payment"]["psp"] == attempt]

    def bounce(self) -> None:
        refund = self.refunds[-1]
        names = {"merchantReference": refund["reference"], "pspReference": refund["psp"], "reason": "Refund Failed"}
        refund["payment"]["refunded"] -= refund["value"]
        self.notify("REFUND_FAILED", refund["payment"], refund["value"], **names)

    def disputed(self, attempt: str, code: str, status: str) -> None:
        payment = self.payments[attempt]
        payment.setdefault("dispute", self.reference())
        more = {"pspReference": payment["dispute"], "additionalData": {"disputeStatus": status}}
        self.notify(code, payment, payment["value"], **more)

    def dispute(self, attempt: str) -> None:
        self.disputed(attempt, "NOTIFICATION_OF_CHARGEBACK", "Undefended")
        self.disputed(attempt, "CHARGEBACK", "Pending")

    def close_dispute(self, attempt: str, is_won: bool) -> None:
        self.disputed(attempt, "CHARGEBACK_REVERSED", "Pending")
        if is_won:
            self.disputed(attempt, "ISSUER_RESPONSE_TIMEFRAME_EXPIRED", "Won")
        else:
            self.disputed(attempt, "SECOND_CHARGEBACK", "Lost")

    def answer(self, call: Call) -> Json:
        if call.headers.get("x-api-key") != "AQE-fake":
            raise Problem(401, {"status": 401})
        _, _, psp, what = call.path.strip("/").split("/")
        payment, body = self.payments[psp], call.json()
        assert body["merchantAccount"] == ACCOUNT and len(call.headers["idempotency-key"]) <= 64
        assert len(body["reference"]) <= 80
        value, reference = body.get("amount", {}).get("value", 0), self.reference()
        if what == "captures" and payment["open"] and 0 < value <= payment["value"]:
            self.take(payment, value, body["reference"])
        elif what == "cancels" and payment["open"]:
            payment["open"] = False
            self.notify("CANCELLATION", payment, payment["value"], merchantReference=body["reference"])
        elif what == "refunds" and 0 < value <= payment["captured"] - payment["refunded"]:
            reference = self.send_back(payment, value, body["reference"])
        else:
            raise Problem(422, {"status": 422, "errorCode": "167", "message": "not possible", "errorType": "validation"})
        return {"status": "received", "paymentPspReference": psp, "pspReference": reference}


class AdyenTest(Scenarios, unittest.TestCase):
    """The scenarios, and what is Adyen's own."""

    provider, make_fake, odd_currency, asks = "adyen", FakeAdyen, ("CLP", 5000), False
    looks = False
    fake: FakeAdyen

    def test_adyen_is_told_that_its_webhook_was_accepted(self) -> None:
        self.fake.pay(self.shop.place(), 1000, "EUR")
        self.assertEqual(self.adapter.post(self.fake.signed(self.fake.outbox[0])), (200, b"[accepted]"))

    def test_one_forged_item_refuses_its_whole_webhook(self) -> None:
        self.fake.pay(self.shop.place(), 1000, "EUR")
        self.fake.pay(self.shop.place(), 1000, "EUR")
        good, bad = (json.loads(self.fake.signed(hook).body) for hook in self.fake.outbox)
        bad["notificationItems"][0]["NotificationRequestItem"]["amount"]["value"] = 1
        body = {"live": "false", "notificationItems": good["notificationItems"] + bad["notificationItems"]}
        self.assertEqual(self.adapter.post(Webhook(json.dumps(body).encode()))[0], 401)
        self.assertEqual(self.shop.callbacks(), [])

    def test_a_refund_that_adyen_refuses_later_fails(self) -> None:
        order, attempt = self.paid()
        self.refund(order, 300)
        self.shop.wait(order, lambda _: self.fake.refunds and self.fake.made(attempt))
        hook = json.loads(self.fake.outbox.pop().body)
        hook["notificationItems"][0]["NotificationRequestItem"] |= {"success": "false", "reason": "Insufficient balance"}
        self.fake.outbox = [Webhook(json.dumps(hook).encode())]
        self.refund_state(order, "failed")
        self.assertEqual(self.settle(order)["refunded"], 0)

    def test_a_capture_that_failed_after_its_success_shows_as_a_lost_dispute(self) -> None:
        order, attempt = self.authorized()
        self.shop.send("order.capture", order_id=order)
        self.wait_for(order, status="paid")
        self.fake.notify("CAPTURE_FAILED", self.fake.payments[attempt], 1000)
        self.wait_for(order, disputed=True, status="paid")


if __name__ == "__main__":
    unittest.main()

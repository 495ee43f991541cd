"""What the adapters share, and the parts of them that need no broker."""

from __future__ import annotations

import os
import sys
import unittest
from pathlib import Path
from unittest import mock

import support  # noqa: F401  (first: it finds the adapters)

import adapter
import adyen
import paypal
import stripe
from adapter import Refused, Request

sys.path.append(str(Path(__file__).parents[2] / "python"))
import producer  # noqa: E402

EVENT = {
    "id": "1-7", "type": "payment.refund_requested", "time": "2026-01-01T00:00:00Z",
    "data": {"order_id": "o-1", "provider": "stripe", "attempt_id": "ch_1", "refund_id": "r-1", "part": 1, "parts": 2, "try": 1,
             "amount": 300, "currency": "EUR"},
}  # fmt: skip


def request(currency: str = "EUR", amount: int = 300, **more: object) -> Request:
    """A request to refund."""
    return Request.of(EVENT | {"data": EVENT["data"] | {"currency": currency, "amount": amount} | more})


class PartitionTest(unittest.TestCase):
    """The number that orderly gives an order."""

    def test_numbers(self) -> None:
        table = Path(__file__).parents[3] / "crates/domain/tests/golden/partitions.txt"
        for row in table.read_text().splitlines():
            id, count, number = row.split(" ")
            key = adapter.routing_key("payment.callback", id, int(count))
            self.assertEqual(key, "payment.callback" if count == "1" else f"p{number}.payment.callback", row)
            self.assertEqual(producer.partition(id, int(count)), int(number), row)

    def test_routing_keys(self) -> None:
        self.assertEqual(adapter.routing_key("payment.callback", "shop-12:o-77", 1), "payment.callback")
        self.assertEqual(adapter.routing_key("payment.callback", "shop-12:o-77", 8), "p5.payment.callback")
        self.assertEqual(producer.routing_key("order.place", {"order_id": "shop-12:o-77"}, 8), "p5.order.place")
        self.assertEqual(producer.routing_key("stock.set", {"sku": "tea"}, 8), "p4.stock.set")


class MoneyTest(unittest.TestCase):
    """Each provider's unit, and orderly's: the minor unit of ISO 4217."""

    def test_units_of_stripe(self) -> None:
        for currency, theirs, ours in (
            ("eur", 1234, 1234), ("jpy", 500, 500), ("kwd", 5120, 5120),
            ("isk", 50000, 500), ("ugx", 50000, 500),  # two decimals there, none by ISO 4217
            ("mga", 500, 50000),  # none there, two by ISO 4217
            ("huf", 1000, 1000), ("twd", 1000, 1000),  # without decimals in payouts only
        ):  # fmt: skip
            self.assertEqual(stripe.money(theirs, currency), {"amount": ours, "currency": currency.upper()})
            self.assertEqual(stripe.minor_units(request(currency.upper(), ours)), theirs)

    def test_units_of_adyen(self) -> None:
        for currency, theirs, ours in (
            ("EUR", 1234, 1234), ("JPY", 500, 500), ("BHD", 1234, 1234),
            ("CLP", 50000, 500), ("ISK", 50000, 500), ("CVE", 500, 50000), ("IDR", 500, 50000),
        ):  # fmt: skip
            self.assertEqual(adyen.money({"currency": currency, "value": theirs}), {"amount": ours, "currency": currency})
            self.assertEqual(adapter.scaled_or_refused(ours, currency, adyen.digits(currency)), theirs)

    def test_texts(self) -> None:
        for currency, text, ours in (("EUR", "12.30", 1230), ("EUR", "0.05", 5), ("JPY", "500", 500), ("KWD", "5.125", 5125)):
            self.assertEqual(adapter.from_text(text, currency), ours)
            self.assertEqual(adapter.to_text(ours, currency), text)
        self.assertEqual(adapter.from_text("10.0", "EUR"), 1000)
        self.assertEqual(adapter.to_text(10**17 + 1, "EUR"), "1000000000000000.01")

    def test_units_of_paypal(self) -> None:
        for currency, text, ours in (("USD", "21.12", 2112), ("HUF", "500", 50000), ("TWD", "500", 50000), ("JPY", "500", 500)):
            self.assertEqual(paypal.money({"currency_code": currency, "value": text})["amount"], ours)
            self.assertEqual(paypal.text(ours, currency), {"currency_code": currency, "value": text})

    def test_an_amount_that_the_provider_cannot_express_is_refused(self) -> None:
        for fails in (
            lambda: stripe.minor_units(request("MGA", 550)),
            lambda: paypal.text(50050, "HUF"),
            lambda: adapter.scaled_or_refused(550, "IDR", adyen.digits("IDR")),
        ):
            self.assertRaises(Refused, fails)
        self.assertRaises(ValueError, lambda: stripe.money(50050, "isk"))
        self.assertRaises(ValueError, lambda: adapter.from_text("1.005", "EUR"))


class KeysTest(unittest.TestCase):
    """Idempotency keys, times and references."""

    def test_a_request_keeps_its_key_and_shares_it_with_no_other(self) -> None:
        others = [request(order_id="o-2"), request(refund_id="r-2"), request(part=2), request(attempt_id="ch_2")]
        keys = [one.key for one in [request(), *others, Request.of(EVENT | {"data": EVENT["data"] | {"try": 2}})]]
        self.assertEqual(len(set(keys)), 6)
        self.assertEqual(request().key, Request.of(EVENT | {"id": "2-9"}).key, "published again, under another id")
        # money depends on this: it must never change
        self.assertEqual(request().key, "93c685f7-8111-5391-9768-687f779e2f6f")

    def test_one_instant_has_one_text(self) -> None:
        self.assertEqual(adapter.utc("2026-01-01T01:00:00+01:00"), "2026-01-01T00:00:00Z")
        self.assertEqual(adapter.utc("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00Z")
        self.assertEqual(adapter.utc(1_767_225_600), "2026-01-01T00:00:00Z")
        self.assertEqual(adapter.utc("2026-01-01T00:00:59.250Z", plus=1), "2026-01-01T00:01:00.250000Z")

    def test_references_of_adyen(self) -> None:
        for order, refund in (("o-1", "r-1"), ("a*b/c:d", "r*1"), ("1f0e6d2c-7a50-4c8f-9a53-3a1f7d2b6c4e", "r-" + "0" * 32)):
            self.assertEqual(adyen.names_in(adyen.reference_of(order, refund)), (order, refund))
        self.assertEqual(adyen.names_in(adyen.reference_of("a*b")), ("a*b", None))
        self.assertRaises(Refused, adyen.reference_of, "o" * 60, "r" * 30)

    def test_marks_of_paypal(self) -> None:
        for invoice, share in (
            ("r-1*1.1.1", ("r-1", 1)),
            ("r-1*2.3.2", ("r-1", 2)),
            ("INV-7", ("RE1", 0)),
            (None, ("RE1", 0)),
            ("a*b*1.1.1", ("a*b", 1)),
        ):
            self.assertEqual(paypal.share_of({"id": "RE1", "invoice_id": invoice}), share)


class SignatureTest(unittest.TestCase):
    """Signatures that others have computed."""

    def test_the_example_of_adyen(self) -> None:
        """From the tests of Adyen's own libraries."""
        names = {
            "ADYEN_HMAC_KEY": "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
            "ADYEN_MERCHANT_ACCOUNT": "TestMerchant", "ADYEN_API_KEY": "key",
        }  # fmt: skip
        item = {
            "pspReference": "7914073381342284", "merchantAccountCode": "TestMerchant",
            "merchantReference": "TestPayment-1407325143704", "amount": {"currency": "EUR", "value": 1130},
            "eventCode": "AUTHORISATION", "success": "true",
            "additionalData": {"hmacSignature": "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="},
        }  # fmt: skip
        with mock.patch.dict(os.environ, names):
            provider = adyen.Adyen()
        provider.verify(item)
        for changed in ({"success": "false"}, {"amount": {"currency": "EUR", "value": 1131}}, {"additionalData": {}}):
            self.assertRaises(adapter.BadSignature, provider.verify, item | changed)


if __name__ == "__main__":
    unittest.main()

"""The adapter for Adyen. An attempt is a payment, by the pspReference of its authorisation.

The order id is the `reference` of the payment, at most 80 characters. See docs/providers.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from email.message import Message
from urllib.parse import quote, unquote

import adapter
from adapter import Api, BadSignature, Json, Provider, Refused, Request, callback, segment, setting, utc

# https://docs.adyen.com/development-resources/currency-codes: where Adyen differs from ISO 4217.
DIGITS = {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2}

OPENED = {"NOTIFICATION_OF_CHARGEBACK", "CHARGEBACK", "DISPUTE_OPENED_WITH_CHARGEBACK", "PREARBITRATION_OPEN"}
# CHARGEBACK_REVERSED is not among these: it may be followed by a second chargeback. Its disputeStatus counts.
WON = {"PREARBITRATION_WON", "PREARBITRATION_ISSUER_WITHDRAWN", "SCHEME_ARBITRATION_WON", "ISSUER_RESPONSE_TIMEFRAME_EXPIRED"}
LOST = {
    "SECOND_CHARGEBACK", "PREARBITRATION_LOST", "PREARBITRATION_ACCEPTED", "SCHEME_ARBITRATION_LOST",
    "DISPUTE_DEFENSE_PERIOD_ENDED",
}  # fmt: skip


def digits(currency: str) -> int:
    """The decimals of the unit that Adyen counts in."""
    return DIGITS.get(currency, adapter.iso_digits(currency))


def money(amount: Json) -> Json:
    """Adyen's amount as orderly's."""
    code = amount["currency"]
    return {"amount": adapter.scaled(amount["value"], digits(code), adapter.iso_digits(code)), "currency": code}


def reference_of(order_id: str, refund_id: str | None = None) -> str:
    """The reference of a modification, which comes back in its webhook: `r*order*refund` for a refund of orderly."""
    parts = ["r", quote(order_id, safe=""), quote(refund_id, safe="")] if refund_id else [order_id]
    reference = "*".join(parts)
    if len(reference) > 80:
        raise Refused(f"Adyen takes references of at most 80 characters: {reference}")
    return reference


def names_in(reference: str) -> tuple[str, str | None]:
    """The order, and the refund of orderly, that a reference names."""
    parts = reference.split("*")
    if len(parts) == 3 and parts[0] == "r":
        return unquote(parts[1]), unquote(parts[2])
    return reference, None


class AdyenApi(Api):
    """Adyen's API. The code 704 means that a request under the same key is under way."""

    def is_final(self, status: int, text: str) -> bool:
        return super().is_final(status, text) and '"704"' not in text


class Adyen(Provider):
    """See the module."""

    name = "adyen"
    accepted = b"[accepted]"

    def __init__(self) -> None:
        # several while a key is replaced
        self.keys = [bytes.fromhex(key) for key in setting("ADYEN_HMAC_KEY").split(",")]
        self.account = setting("ADYEN_MERCHANT_ACCOUNT")
        # payment methods that are captured by request; all others are captured when they are authorised
        self.manual = set(filter(None, setting("ADYEN_MANUAL_CAPTURE", "").split(",")))
        self.captures_once = setting("ADYEN_CAPTURES", "once") == "once"
        headers = {"X-API-Key": setting("ADYEN_API_KEY")}
        self.api = AdyenApi(setting("ADYEN_API_URL", "https://checkout-test.adyen.com/v71"), lambda: headers)

    # Webhooks

    def verify(self, item: Json) -> None:
        """An HMAC-SHA256 of eight fields, in additionalData.hmacSignature of each item."""
        amount = item.get("amount") or {}
        fields = (
            item.get("pspReference"), item.get("originalReference"), item.get("merchantAccountCode"),
            item.get("merchantReference"), amount.get("value"), amount.get("currency"), item.get("eventCode"),
            item.get("success"),
        )  # fmt: skip
        signed = ":".join("" if field is None else str(field) for field in fields).encode()
        try:
            given = base64.b64decode((item.get("additionalData") or {}).get("hmacSignature", ""), validate=True)
        except (binascii.Error, TypeError, ValueError):
            given = b""
        if not any(hmac.compare_digest(hmac.new(key, signed, hashlib.sha256).digest(), given) for key in self.keys):
            raise BadSignature(f"of {item.get('eventCode')} {item.get('pspReference')}")

    def receive(self, headers: Message, body: bytes) -> list[Json]:
        items = [one["NotificationRequestItem"] for one in json.loads(body)["notificationItems"]]
        for item in items:  # all of them before the first is published
            self.verify(item)
        return [one for item in items if item["merchantAccountCode"] == self.account for one in self.callbacks(item)]

    def callbacks(self, item: Json) -> Iterator[Json]:
        """The callback of one item. Adyen sends no event id: the same reference, code and result are the same event."""
        code, reference, at = item["eventCode"], item["pspReference"], utc(item["eventDate"])
        is_success = item["success"] == "true"
        payment = item.get("originalReference") or reference
        order, refund = names_in(item.get("merchantReference", ""))
        event = f"{code}:{reference}:{item['success']}"

        def tell(kind: str, event: str = event, **others: object) -> Json:
            return callback(kind, event, order, payment, at, **others)

        is_manual = item.get("paymentMethod") in self.manual
        match (code, is_success):
            case ("AUTHORISATION", False):
                yield tell("failed")
            case ("AUTHORISATION", True) if is_manual:
                yield tell("authorized", **money(item["amount"]))
            case ("AUTHORISATION", True):
                yield tell("captured", capture_id=reference, final=True, **money(item["amount"]))
            case ("PENDING", _):
                yield tell("action_required")
            case ("CAPTURE", True):
                # of a payment that is captured automatically this is the money that its authorisation told of
                final = True if self.captures_once or not is_manual else None
                capture = reference if is_manual else payment
                yield tell("captured", capture_id=capture, final=final, **money(item["amount"]))
            case ("CAPTURE", False):
                yield tell("failed")
            case ("CAPTURE_FAILED", _):
                # the money was counted, and is not there: as a dispute that is lost
                yield tell("dispute_closed", dispute_id=f"capture-failed-{reference}", outcome="lost")
            case ("CANCELLATION" | "TECHNICAL_CANCEL", True):
                yield tell("voided")
            case ("CANCEL_OR_REFUND", True) if (item.get("additionalData") or {}).get("modification.action") == "cancel":
                yield tell("voided")
            case ("EXPIRE" | "OFFER_CLOSED", True):
                yield tell("expired")
            case ("REFUND" | "CANCEL_OR_REFUND", True):
                names = {"refund_id": refund or reference} | money(item["amount"])
                yield tell("refund_succeeded", f"{reference}:succeeded", **names)
            case ("REFUND", False) | ("REFUND_FAILED" | "REFUNDED_REVERSED", _):
                yield tell("refund_failed", f"{reference}:failed", refund_id=refund or reference)
            case _:
                yield from self.dispute(item, tell)

    def dispute(self, item: Json, tell: Callable[..., Json]) -> Iterator[Json]:
        """All events of a dispute have its pspReference; only some say how it ended."""
        code, status = item["eventCode"], (item.get("additionalData") or {}).get("disputeStatus", "")
        event = f"{code}:{item['pspReference']}:{status}"
        outcome = "won" if code in WON or status == "Won" else "lost" if code in LOST or status == "Lost" else None
        if outcome and (code in OPENED | WON | LOST or code == "CHARGEBACK_REVERSED"):
            yield tell("dispute_closed", event, dispute_id=item["pspReference"], outcome=outcome)
        elif code in OPENED:
            yield tell("dispute_opened", event, dispute_id=item["pspReference"])

    # Requests: Adyen answers `received`, and a webhook has the result.

    def modify(self, request: Request, what: str, refund_id: str | None = None) -> None:
        """Asks for a modification of the payment."""
        body: Json = {"merchantAccount": self.account, "reference": reference_of(request.order_id, refund_id)}
        if request.amount:
            value = adapter.scaled_or_refused(request.amount, request.currency, digits(request.currency))
            body["amount"] = {"value": value, "currency": request.currency}
        self.api.post(f"/payments/{segment(request.attempt_id)}/{what}", body, request.key)

    def refund(self, request: Request) -> Iterator[Json]:
        self.modify(request, "refunds", request.refund_id)
        return iter(())

    def capture(self, request: Request) -> None:
        self.modify(request, "captures")

    def void(self, request: Request) -> None:
        self.modify(request, "cancels")


if __name__ == "__main__":
    adapter.run(Adyen())

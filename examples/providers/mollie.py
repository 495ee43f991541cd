"""The adapter for Mollie. An attempt is a payment (`tr_…`).

Mollie's webhook names a payment and says nothing of it. So the adapter fetches the payment with its captures, refunds and
chargebacks, and publishes everything that has happened to it so far: what orderly knows is a duplicate. The order id is in the
metadata of the payment, under `order_id`. See docs/providers.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from email.message import Message
from urllib.parse import parse_qs

import adapter
from adapter import Api, BadSignature, Json, NotYet, Provider, Refused, Request, callback, metadata_of, setting, utc

PAYMENT = re.compile(r"tr_[A-Za-z0-9]{1,64}")


def money(amount: Json) -> Json:
    """Mollie's amount, a text with the currency's decimals, as orderly's."""
    return {"amount": adapter.from_text(amount["value"], amount["currency"]), "currency": amount["currency"]}


def amount(request: Request) -> Json:
    """Orderly's amount as Mollie's."""
    return {"currency": request.currency, "value": adapter.to_text(request.amount, request.currency)}


def embedded(payment: Json, what: str) -> list[Json]:
    """The captures, refunds or chargebacks of a payment, the oldest first."""
    return sorted((payment.get("_embedded") or {}).get(what) or [], key=lambda one: utc(one["createdAt"]))


class Mollie(Provider):
    """See the module."""

    name = "mollie"

    def __init__(self) -> None:
        headers = {"Authorization": f"Bearer {setting('MOLLIE_API_KEY')}"}
        self.api = Api(setting("MOLLIE_API_URL", "https://api.mollie.com"), lambda: headers)
        self.secrets = list(filter(None, setting("MOLLIE_WEBHOOK_SECRET", "").split(",")))

    def payment(self, id: str) -> Json:
        """A payment with all that belongs to it."""
        return self.api.get(f"/v2/payments/{id}?embed=captures,refunds,chargebacks")

    # Webhooks

    def verify(self, headers: Message, body: bytes) -> None:
        """A next-gen webhook: `X-Mollie-Signature`, an HMAC-SHA256 of the body."""
        given = headers.get("X-Mollie-Signature", "").removeprefix("sha256=")
        wanted = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in self.secrets]
        if not any(hmac.compare_digest(one.encode(), given.encode()) for one in wanted):
            raise BadSignature("of a next-gen webhook")

    def named(self, headers: Message, body: bytes) -> str:
        """The payment that a webhook names. A classic webhook has no signature: it is a hint to look at a payment, no more."""
        if headers.get_content_type() == "application/x-www-form-urlencoded":
            return parse_qs(body.decode("ascii")).get("id", [""])[0]
        self.verify(headers, body)
        event = json.loads(body)
        entity = (event.get("_embedded") or {}).get("entity") or {}
        return entity.get("paymentId") or event.get("entityId") or ""

    def receive(self, headers: Message, body: bytes) -> list[Json]:
        id = self.named(headers, body)
        if not PAYMENT.fullmatch(id):
            return []
        try:
            return list(self.callbacks(self.payment(id)))
        except Refused as error:
            # Mollie asks for 200 here: who makes up ids must not learn which of them exist
            adapter.log.warning("unknown payment: %s", error)
            return []

    def callbacks(self, payment: Json) -> Iterator[Json]:
        """All that has happened to a payment. Each event id names a thing and its state, and its data never changes after."""
        id, status, order = payment["id"], payment["status"], metadata_of(payment).get("order_id")
        if not order:
            return

        def tell(kind: str, event: str, at: str, plus: int = 0, **others: object) -> Json:
            return callback(kind, event, order, id, utc(at, plus), **others)

        if status in ("open", "pending"):
            yield tell("action_required", f"{id}:pending", payment["createdAt"])
        if at := payment.get("authorizedAt"):
            yield tell("authorized", f"{id}:authorized", at, **money(payment["amount"]))
        yield from self.captured(payment, tell)
        for kind, word in (("failed", "failed"), ("voided", "canceled"), ("expired", "expired")):
            if status == word:
                yield tell(kind, f"{id}:{word}", payment.get(f"{word}At") or payment["createdAt"])
        for refund in embedded(payment, "refunds"):
            yield from self.refunded(refund, tell)
        for chargeback in embedded(payment, "chargebacks"):
            dispute = {"dispute_id": chargeback["id"]}
            yield tell("dispute_opened", f"{chargeback['id']}:received", chargeback["createdAt"], **dispute)
            if at := chargeback.get("reversedAt"):
                yield tell("dispute_closed", f"{chargeback['id']}:reversed", at, outcome="won", **dispute)

    def captured(self, payment: Json, tell: Callable[..., Json]) -> Iterator[Json]:
        """The money of a payment. `amountCaptured` is a running total, so with manual capture each capture counts for itself;
        otherwise the payment is captured once."""
        id, is_paid = payment["id"], payment["status"] == "paid"
        if payment.get("captureMode") != "manual":
            if is_paid:
                taken = money(payment.get("amountCaptured") or payment["amount"])
                yield tell("captured", f"{id}:paid", payment["paidAt"], capture_id=id, final=True, **taken)
            return
        total = 0
        for capture in embedded(payment, "captures"):
            if capture["status"] == "succeeded":
                taken = money(capture["amount"])
                total += taken["amount"]
                yield tell("captured", f"{capture['id']}:succeeded", capture["createdAt"], capture_id=capture["id"], **taken)
            elif capture["status"] == "failed":
                yield tell("failed", f"{capture['id']}:failed", capture["createdAt"], plus=1)
        if is_paid and 0 < total < money(payment["amount"])["amount"]:
            yield tell("voided", f"{id}:released", payment.get("paidAt") or payment["createdAt"])

    def refunded(self, refund: Json, tell: Callable[..., Json]) -> Iterator[Json]:
        """The result of a refund. Mollie gives no time of a failure; it is after the refund was made."""
        id, names = refund["id"], {"refund_id": metadata_of(refund).get("refund_id") or refund["id"]}
        if refund["status"] == "refunded":
            yield tell("refund_succeeded", f"{id}:refunded", refund["createdAt"], **names, **money(refund["amount"]))
        elif refund["status"] in ("failed", "canceled"):
            yield tell("refund_failed", f"{id}:failed", refund["createdAt"], plus=1, **names)

    # Requests

    def made(self, request: Request, what: str) -> tuple[Json, Json | None]:
        """The payment, and what was made of this request before: Mollie forgets idempotency keys after an hour."""
        payment = self.payment(request.attempt_id)
        known = (one for one in embedded(payment, what) if metadata_of(one).get("orderly_key") == request.key)
        return payment, next(known, None)

    def refund(self, request: Request) -> Iterator[Json]:
        payment, refund = self.made(request, "refunds")
        if refund is None:
            metadata = {"refund_id": request.refund_id, "orderly_key": request.key}
            body = {"amount": amount(request), "description": f"Order {request.order_id}"[:255], "metadata": metadata}
            refund = self.api.post(f"/v2/payments/{payment['id']}/refunds", body, request.key)

        def tell(kind: str, event: str, at: str, plus: int = 0, **others: object) -> Json:
            return callback(kind, event, request.order_id, payment["id"], utc(at, plus), **others)

        yield from self.refunded(refund, tell)
        if refund["status"] not in ("refunded", "failed", "canceled"):
            raise NotYet(f"refund {refund['id']} is {refund['status']}")  # a bank transfer takes days

    def capture(self, request: Request) -> None:
        payment, capture = self.made(request, "captures")
        if capture is None:
            body = {"amount": amount(request), "metadata": {"orderly_key": request.key}}
            self.api.post(f"/v2/payments/{payment['id']}/captures", body, request.key)

    def void(self, request: Request) -> None:
        payment = self.payment(request.attempt_id)
        if payment["status"] == "authorized":
            self.api.post(f"/v2/payments/{payment['id']}/release-authorization", {}, request.key)
        elif payment.get("isCancelable"):
            self.api.call("DELETE", f"/v2/payments/{payment['id']}", key=request.key)
        else:
            raise Refused(f"{payment['id']} is {payment['status']}")


if __name__ == "__main__":
    adapter.run(Mollie())

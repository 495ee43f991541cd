"""The adapter for Stripe. An attempt is a charge (`ch_…`, `py_…`); a PaymentIntent may make several, one after the other.

The order id is in the metadata of the PaymentIntent, under `order_id`; Stripe copies it to the charges. See docs/providers.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from email.message import Message
from urllib.parse import urlencode

import adapter
from adapter import Api, BadSignature, Json, NotYet, Provider, Refused, Request, callback, metadata_of, segment, setting, utc

# https://docs.stripe.com/currencies: without decimals; and with two decimals for the sake of older integrations.
ZERO = frozenset(["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"])
TWO = frozenset(["ISK", "UGX"])
TOLERANCE = 300  # seconds


def digits(currency: str) -> int:
    """The decimals of the unit that Stripe counts in."""
    return 0 if currency in ZERO else 2 if currency in TWO else adapter.iso_digits(currency)


def money(amount: int, currency: str) -> Json:
    """Stripe's amount as orderly's."""
    code = currency.upper()
    return {"amount": adapter.scaled(amount, digits(code), adapter.iso_digits(code)), "currency": code}


def minor_units(request: Request) -> int:
    """Orderly's amount as Stripe's."""
    return adapter.scaled_or_refused(request.amount, request.currency, digits(request.currency))


class Stripe(Provider):
    """See the module."""

    name = "stripe"

    def __init__(self) -> None:
        self.secrets = setting("STRIPE_WEBHOOK_SECRET").split(",")  # two while a secret is replaced
        key = setting("STRIPE_API_KEY")
        headers = {"Authorization": f"Bearer {key}", "Stripe-Version": "2024-06-20"}
        self.api = Api(setting("STRIPE_API_URL", "https://api.stripe.com"), lambda: headers)

    # Webhooks

    def verify(self, header: str, body: bytes) -> None:
        """`Stripe-Signature: t=…,v1=…`: an HMAC-SHA256 of time and body, of the last five minutes."""
        parts = [part.strip().partition("=") for part in header.split(",")]
        times = [value for name, _, value in parts if name == "t"]
        given = [value for name, _, value in parts if name == "v1"]
        if len(times) != 1 or not times[0].isdecimal() or abs(time.time() - int(times[0])) > TOLERANCE:
            raise BadSignature("the time is missing or too far away")
        for secret in self.secrets:
            wanted = hmac.new(secret.encode(), times[0].encode() + b"." + body, hashlib.sha256).hexdigest()
            if any(hmac.compare_digest(wanted.encode(), one.encode()) for one in given):
                return
        raise BadSignature("no signature fits")

    def receive(self, headers: Message, body: bytes) -> list[Json]:
        self.verify(headers.get("Stripe-Signature", ""), body)
        event = json.loads(body)
        kind, thing = event["type"], event["data"]["object"]
        if kind.startswith("charge.dispute."):
            return list(self.dispute(event, thing))
        if kind in ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated"):
            # events may come late and out of order: the refund as it is now counts
            return list(self.refund_as_it_is(self.api.get(f"/v1/refunds/{segment(thing['id'])}?expand[]=charge")))
        if kind.startswith("charge."):
            return list(self.charge(event, thing))
        if kind == "payment_intent.canceled":
            return list(self.canceled(event, thing))
        return []

    def charge(self, event: Json, charge: Json) -> Iterator[Json]:
        """An event of a charge. Amounts of a charge are running totals; a charge is captured once here, so that is its own."""
        order, at = metadata_of(charge).get("order_id"), utc(event["created"])
        kinds = {"charge.pending": "action_required", "charge.failed": "failed", "charge.expired": "expired"}
        if not order:
            return
        if kind := kinds.get(event["type"]):
            yield callback(kind, event["id"], order, charge["id"], at)
        elif event["type"] == "charge.succeeded" and not charge["captured"]:
            held = money(charge["amount"], charge["currency"])
            yield callback("authorized", event["id"], order, charge["id"], at, **held)
        elif event["type"] in ("charge.succeeded", "charge.captured"):
            taken = money(charge["amount_captured"], charge["currency"])
            final = {"capture_id": charge["id"], "final": True}
            yield callback("captured", event["id"], order, charge["id"], at, **taken, **final)

    def canceled(self, event: Json, intent: Json) -> Iterator[Json]:
        """A PaymentIntent was canceled, and with it the authorization of its last charge."""
        order, charge = metadata_of(intent).get("order_id"), intent.get("latest_charge")
        kind = "expired" if intent.get("cancellation_reason") == "automatic" else "voided"
        if order and charge:
            yield callback(kind, event["id"], order, charge, utc(event["created"]))

    def refund_as_it_is(self, refund: Json) -> Iterator[Json]:
        """The result of a refund whose charge is expanded. Its id and status name the event: several types of event tell of
        the same result. Stripe gives no time of a failure; it is after the refund was made."""
        charge, ours = refund["charge"] or {}, metadata_of(refund)
        order = ours.get("order_id") or metadata_of(charge).get("order_id")
        if not charge or not order or ("orderly_key" not in ours and is_release(refund, charge)):
            return
        names = {"refund_id": ours.get("refund_id") or refund["id"]}
        if refund["status"] == "succeeded":
            names |= money(refund["amount"], refund["currency"])
            event, at = f"{refund['id']}:succeeded", utc(refund["created"])
            yield callback("refund_succeeded", event, order, charge["id"], at, **names)
        elif refund["status"] in ("failed", "canceled"):
            event, at = f"{refund['id']}:failed", utc(refund["created"], plus=1)
            yield callback("refund_failed", event, order, charge["id"], at, **names)

    def dispute(self, event: Json, dispute: Json) -> Iterator[Json]:
        """A dispute was opened, or closed: then its status is final. It names its charge, and the charge its order."""
        outcome = {"won": "won", "lost": "lost", "warning_closed": "won"}.get(dispute["status"])
        if outcome is None and event["type"] != "charge.dispute.created":
            return
        charge = self.api.get(f"/v1/charges/{segment(dispute['charge'])}")
        if order := metadata_of(charge).get("order_id"):
            kind = "dispute_closed" if outcome else "dispute_opened"
            names = {"dispute_id": dispute["id"], "outcome": outcome}
            yield callback(kind, event["id"], order, charge["id"], utc(event["created"]), **names)

    # Requests

    def form(self, path: str, fields: dict[str, str | int], key: str) -> Json:
        """Posts a form, as Stripe wants it."""
        return self.api.call("POST", path, urlencode(fields).encode(), "application/x-www-form-urlencoded", key)

    def refund(self, request: Request) -> Iterator[Json]:
        # Stripe forgets idempotency keys after a day, so the refund itself carries ours
        made = self.api.get(f"/v1/refunds?charge={segment(request.attempt_id)}&limit=100&expand[]=data.charge")["data"]
        refund = next((one for one in made if metadata_of(one).get("orderly_key") == request.key), None)
        if refund is None:
            fields: dict[str, str | int] = {"charge": request.attempt_id, "amount": minor_units(request)}
            names = {"order_id": request.order_id, "refund_id": request.refund_id, "orderly_key": request.key}
            fields |= {f"metadata[{name}]": value for name, value in names.items()} | {"expand[]": "charge"}
            refund = self.form("/v1/refunds", fields, request.key)
        yield from self.refund_as_it_is(refund)
        if refund["status"] not in ("succeeded", "failed", "canceled"):
            raise NotYet(f"refund {refund['id']} is {refund['status']}")

    def intent_of(self, request: Request) -> tuple[Json, str]:
        """The charge of an attempt, and the path of its PaymentIntent."""
        charge = self.api.get(f"/v1/charges/{segment(request.attempt_id)}")
        if not charge.get("payment_intent"):
            raise Refused(f"{request.attempt_id} has no PaymentIntent")
        return charge, f"/v1/payment_intents/{segment(charge['payment_intent'])}"

    def capture(self, request: Request) -> None:
        charge, intent = self.intent_of(request)
        if not charge["captured"]:
            self.form(f"{intent}/capture", {"amount_to_capture": minor_units(request)}, request.key)

    def void(self, request: Request) -> None:
        _, intent = self.intent_of(request)
        self.form(f"{intent}/cancel", {}, request.key)


def is_release(refund: Json, charge: Json) -> bool:
    """Stripe shows the release of an authorization, or of the rest of one that was captured in part, as a refund. No money
    moves: there is no balance transaction."""
    is_partly_captured = charge["amount_captured"] < charge["amount"]
    return not charge["captured"] or (is_partly_captured and refund.get("balance_transaction") is None)


if __name__ == "__main__":
    adapter.run(Stripe())

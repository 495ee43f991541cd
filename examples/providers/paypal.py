"""The adapter for PayPal. An attempt is an order of PayPal, with its authorizations, captures and refunds.

The order id is the `custom_id` of the purchase unit; PayPal copies it to authorizations and captures. See docs/providers.md.
"""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from email.message import Message

import adapter
from adapter import Api, BadSignature, Json, NotYet, Provider, Refused, Request, TryLater, callback, segment, setting, utc

# https://developer.paypal.com/api/rest/reference/currency-codes/: PayPal takes no decimals of these.
WHOLE = {"HUF", "JPY", "TWD"}

# What the header of a webhook is called in the call that verifies it.
SIGNED = {
    "auth_algo": "PAYPAL-AUTH-ALGO",
    "cert_url": "PAYPAL-CERT-URL",
    "transmission_id": "PAYPAL-TRANSMISSION-ID",
    "transmission_sig": "PAYPAL-TRANSMISSION-SIG",
    "transmission_time": "PAYPAL-TRANSMISSION-TIME",
}
LOST = {"RESOLVED_BUYER_FAVOUR", "ACCEPTED"}
DONE = {"COMPLETED", "FAILED", "CANCELLED"}
MARK = re.compile(r"(.+)\*(\d+)\.(\d+)\.(\d+)")


def money(amount: Json) -> Json:
    """PayPal's amount, a text, as orderly's."""
    code = amount["currency_code"]
    return {"amount": adapter.from_text(amount["value"], code), "currency": code}


def text(minor_units: int, currency: str) -> Json:
    """Orderly's amount as PayPal's."""
    value = adapter.to_text(minor_units, currency, 0 if currency in WHOLE else None)
    return {"currency_code": currency, "value": value}


def linked(thing: Json, relation: str, path: str) -> str | None:
    """The last part of the link to a related thing under that path."""
    links = (link["href"] for link in thing.get("links", []) if link["rel"] == relation and path in link["href"])
    href = next(links, None)
    return href.rstrip("/").rpartition("/")[2] if href else None


class PayPalApi(Api):
    """PayPal's API. A token may be revoked before it ends."""

    def __init__(self, url: str, headers: Callable[[], dict[str, str]], forget: Callable[[], None]):
        super().__init__(url, headers, key_header="PayPal-Request-Id")
        self.forget = forget

    def is_final(self, status: int, text: str) -> bool:
        if status == 401:
            self.forget()
        return super().is_final(status, text)


class PayPal(Provider):
    """See the module."""

    name = "paypal"

    def __init__(self) -> None:
        self.webhook_id = setting("PAYPAL_WEBHOOK_ID")
        url = setting("PAYPAL_API_URL", "https://api-m.sandbox.paypal.com")
        login = f"{setting('PAYPAL_CLIENT_ID')}:{setting('PAYPAL_CLIENT_SECRET')}".encode()
        basic = {"Authorization": f"Basic {base64.b64encode(login).decode()}"}
        self.login = Api(url, lambda: basic)
        self.forget_token()
        self.api = PayPalApi(url, self.headers, self.forget_token)

    def forget_token(self) -> None:
        """Lets the next call fetch a token."""
        self.token, self.token_ends = "", 0.0

    def headers(self) -> dict[str, str]:
        """The access token, a new one a minute before the old one ends."""
        if not self.token or time.monotonic() > self.token_ends - 60:
            form, kind = b"grant_type=client_credentials", "application/x-www-form-urlencoded"
            answer = self.login.call("POST", "/v1/oauth2/token", form, kind)
            self.token, self.token_ends = answer["access_token"], time.monotonic() + answer["expires_in"]
        return {"Authorization": f"Bearer {self.token}", "Prefer": "return=representation"}

    # Webhooks

    def verify(self, headers: Message, body: bytes) -> None:
        """Asks PayPal whether it signed the webhook. The signature is of the body as it came, so it goes back as it came."""
        fields = {field: headers.get(name, "") for field, name in SIGNED.items()}
        if not all(fields.values()):
            raise BadSignature("a header is missing")
        json.loads(body)
        question = json.dumps(fields | {"webhook_id": self.webhook_id})[:-1].encode()
        question += b', "webhook_event": ' + body + b"}"
        try:
            answer = self.api.call("POST", "/v1/notifications/verify-webhook-signature", question, "application/json")
        except Refused as error:
            raise BadSignature(f"PayPal does not take it: {error}") from error
        if answer.get("verification_status") != "SUCCESS":
            raise BadSignature("PayPal did not sign it")

    def receive(self, headers: Message, body: bytes) -> list[Json]:
        self.verify(headers, body)
        event = json.loads(body)
        kind, thing = event["event_type"], event["resource"]
        if kind in ("PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"):
            return list(self.refund_result(thing))
        if kind.startswith(("PAYMENT.AUTHORIZATION.", "PAYMENT.CAPTURE.")):
            return list(self.payment(event, thing))
        if kind.startswith("CUSTOMER.DISPUTE."):
            return list(self.dispute(event, thing))
        return []

    def attempt_of(self, thing: Json) -> str:
        """The order of PayPal that an authorization or a capture belongs to."""
        related = (thing.get("supplementary_data") or {}).get("related_ids") or {}
        if found := related.get("order_id") or linked(thing, "up", "/checkout/orders/"):
            return found
        if authorization := related.get("authorization_id") or linked(thing, "up", "/payments/authorizations/"):
            return self.attempt_of(self.api.get(f"/v2/payments/authorizations/{segment(authorization)}"))
        raise TryLater(f"{thing['id']} names no order of PayPal")

    def payment(self, event: Json, thing: Json) -> Iterator[Json]:
        """An event of an authorization or a capture. Each capture has an id and an amount of its own."""
        order, at = thing.get("custom_id"), utc(event["create_time"])
        if not order:
            return
        kind, more = None, {}
        match event["event_type"].removeprefix("PAYMENT."):
            case "AUTHORIZATION.CREATED" if thing.get("status") == "CREATED":
                kind, more = "authorized", money(thing["amount"])
            case "AUTHORIZATION.CREATED" | "CAPTURE.PENDING":
                kind = "action_required"
            case "AUTHORIZATION.VOIDED":
                kind = "voided"  # also when it ran out
            case "CAPTURE.COMPLETED":
                more = {"capture_id": thing["id"], "final": thing.get("final_capture") or None}
                kind, more = "captured", more | money(thing["amount"])
            case "CAPTURE.DENIED" | "CAPTURE.DECLINED":
                kind = "failed"
        if kind:
            yield callback(kind, event["id"], order, self.attempt_of(thing), at, **more)

    def refund_result(self, refund: Json) -> Iterator[Json]:
        """The result of a refund, or of a reversal by PayPal, which looks the same. It names its capture only."""
        if refund.get("status") not in DONE:
            return
        capture_id = linked(refund, "up", "/payments/captures/")
        capture = self.api.get(f"/v2/payments/captures/{segment(capture_id or '')}")
        if order := capture.get("custom_id"):
            yield self.result_of(refund, order, self.attempt_of(capture))

    def result_of(self, refund: Json, order: str, attempt: str) -> Json:
        """The callback of a refund that is done. Its id and status name the event, wherever the adapter learned of it."""
        refund_id, share = share_of(refund)
        names = {"refund_id": refund_id}
        if refund["status"] == "COMPLETED":
            # the shares of one refund of orderly are known by their times, and PayPal's times are whole seconds
            at = utc(refund["create_time"], plus=share / 1_000_000)
            names |= money(refund["amount"])
            return callback("refund_succeeded", f"{refund['id']}:completed", order, attempt, at, **names)
        return callback("refund_failed", f"{refund['id']}:failed", order, attempt, utc(refund["create_time"], plus=1), **names)

    def dispute(self, event: Json, dispute: Json) -> Iterator[Json]:
        """A dispute names the captures that it is about; the first one has the order."""
        outcome = (dispute.get("dispute_outcome") or {}).get("outcome_code")
        is_closed = event["event_type"] == "CUSTOMER.DISPUTE.RESOLVED"
        if not is_closed and event["event_type"] != "CUSTOMER.DISPUTE.CREATED":
            return
        id = dispute["disputed_transactions"][0]["seller_transaction_id"]
        capture = self.api.get(f"/v2/payments/captures/{segment(id)}")
        if order := capture.get("custom_id"):
            kind = "dispute_closed" if is_closed else "dispute_opened"
            names = {"dispute_id": dispute["dispute_id"], "outcome": None}
            if is_closed:
                names["outcome"] = "lost" if outcome in LOST else "won"
            yield callback(kind, event["id"], order, self.attempt_of(capture), utc(event["create_time"]), **names)

    # Requests

    def payments(self, request: Request, what: str) -> list[Json]:
        """The authorizations, captures or refunds of the attempt."""
        order = self.api.get(f"/v2/checkout/orders/{segment(request.attempt_id)}")
        return [one for unit in order["purchase_units"] for one in (unit.get("payments") or {}).get(what, [])]

    def refund(self, request: Request) -> Iterator[Json]:
        """PayPal refunds a capture, and a part of a refund of orderly may be of several captures: then each is refunded. What
        was made of this request before is known by its mark."""
        refunds = self.payments(request, "refunds")
        made = [one for one in refunds if is_of(one, request)]
        left = request.amount - sum(money(one["amount"])["amount"] for one in made)
        for number, (capture, share) in enumerate(self.shares(request, refunds, left), len(made) + 1):
            made.append(self.refund_capture(request, number, capture, share))
        yield from (self.result_of(one, request.order_id, request.attempt_id) for one in made if one["status"] in DONE)
        if any(one["status"] not in DONE for one in made):
            raise NotYet(f"refund {request.refund_id} is pending")

    def shares(self, request: Request, refunds: list[Json], amount: int) -> list[tuple[str, int]]:
        """The captures to refund, and how much of each."""
        gone: dict[str | None, int] = {}
        for one in refunds:
            if one["status"] in ("COMPLETED", "PENDING"):
                capture_id = linked(one, "up", "/payments/captures/")
                gone[capture_id] = gone.get(capture_id, 0) + money(one["amount"])["amount"]
        left, shares = amount, []
        for capture in self.payments(request, "captures") if amount else ():
            room = money(capture["amount"])["amount"] - gone.get(capture["id"], 0)
            share = min(left, room)
            if share > 0 and capture["amount"]["currency_code"] == request.currency:
                left -= share
                shares.append((capture["id"], share))
        if left:
            raise Refused(f"the captures of {request.attempt_id} hold {amount - left} of {amount}")
        return shares

    def refund_capture(self, request: Request, number: int, capture: str, amount: int) -> Json:
        """Refunds a part of one capture, or all of it."""
        mark = f"{request.refund_id}*{request.part}.{request.attempt}.{number}"
        if len(mark) > 127:
            raise Refused(f"PayPal takes invoice ids of at most 127 characters: {mark}")
        body = {"amount": text(amount, request.currency), "custom_id": request.order_id[:127], "invoice_id": mark}
        key = str(uuid.uuid5(uuid.UUID(request.key), capture))
        return self.api.post(f"/v2/payments/captures/{segment(capture)}/refund", body, key)

    def capture(self, request: Request) -> None:
        authorizations = self.payments(request, "authorizations")
        open_ones = [one for one in authorizations if one["status"] in ("CREATED", "PARTIALLY_CAPTURED")]
        # with none open the money may have been captured by this very request, whose answer was lost: its key brings it back
        if not (one := (open_ones or authorizations)[-1:]):
            raise Refused(f"{request.attempt_id} has no authorization")
        # more may be captured later: orderly asks for the void of what is left
        body = {"amount": text(request.amount, request.currency), "final_capture": False}
        self.api.post(f"/v2/payments/authorizations/{segment(one[0]['id'])}/capture", body, request.key)

    def void(self, request: Request) -> None:
        for one in self.payments(request, "authorizations"):
            if one["status"] in ("CREATED", "PARTIALLY_CAPTURED", "PENDING"):
                key = str(uuid.uuid5(uuid.UUID(request.key), one["id"]))
                self.api.post(f"/v2/payments/authorizations/{segment(one['id'])}/void", {}, key)


def share_of(refund: Json) -> tuple[str, int]:
    """The refund of orderly that a refund carries out, and which share of it, from 1. A refund that orderly did not ask for has
    PayPal's id, and is whole (0)."""
    mark = MARK.fullmatch(refund.get("invoice_id") or "")
    return (mark[1], int(mark[4])) if mark else (str(refund["id"]), 0)


def is_of(refund: Json, request: Request) -> bool:
    """Whether the refund was made of this request."""
    mark = MARK.fullmatch(refund.get("invoice_id") or "")
    return mark is not None and mark.group(1, 2, 3) == (request.refund_id, str(request.part), str(request.attempt))


if __name__ == "__main__":
    adapter.run(PayPal())

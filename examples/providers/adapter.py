"""What the adapters for payment providers share: settings, money, times, the provider's API, AMQP and the HTTP server.

An adapter is one process. It receives the webhooks of one provider, publishes each as `payment.callback` to orderly, and answers
the provider only when RabbitMQ has confirmed them: whatever fails before makes the provider send the webhook again. It also
consumes the requests of orderly (`payment.refund_requested`, `payment.capture_requested`, `payment.void_requested`) from a
durable queue, and carries them out with an idempotency key that stays the same for as long as the request is tried.

Needs Python 3.11 and pika; see docs/providers.md.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.message import Message
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from routing import routing_key

log = logging.getLogger("adapter")

Json = dict[str, Any]
MAX_BODY = 1 << 20  # bytes; no provider sends nearly as much
AMQP_ERRORS = (AMQPError, OSError)


class BadSignature(Exception):
    """The webhook is not from the provider."""


class Refused(Exception):
    """The provider refuses the request, and would refuse it again."""


class TryLater(Exception):
    """Not now: the provider or the broker cannot be reached."""


class NotYet(TryLater):
    """The provider has taken the request, and has not decided: it is to be asked again."""


def setting(name: str, default: str | None = None) -> str:
    """The environment variable `name`, or the content of the file that `name`_FILE names."""
    if path := os.environ.get(f"{name}_FILE"):
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    value = os.environ.get(name) or default
    if value is None:
        sys.exit(f"set {name} or {name}_FILE")
    return value


# Money: orderly counts the minor units of ISO 4217. Currencies that are not named have two decimals.
ISO_DIGITS = {
    **dict.fromkeys(
        ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"], 0
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}


def iso_digits(currency: str) -> int:
    """The number of decimals of a currency by ISO 4217."""
    return ISO_DIGITS.get(currency, 2)


def scaled(amount: int, digits: int, wanted: int) -> int:
    """An amount with `digits` decimals as one with `wanted` decimals; ValueError when that has a remainder."""
    result = Decimal(amount).scaleb(wanted - digits)
    if result != int(result):
        raise ValueError(f"{amount} with {digits} decimals is no whole amount with {wanted}")
    return int(result)


def from_text(value: str, currency: str) -> int:
    """`"12.30"` of a currency in minor units of ISO 4217."""
    amount = Decimal(value).scaleb(iso_digits(currency))
    if amount != int(amount):
        raise ValueError(f"{value} {currency} has more decimals than the currency")
    return int(amount)


def to_text(amount: int, currency: str, digits: int | None = None) -> str:
    """Minor units of ISO 4217 as text with the currency's decimals, or with as many as the provider wants."""
    wanted = iso_digits(currency) if digits is None else digits
    value = Decimal(scaled_or_refused(amount, currency, wanted)).scaleb(-wanted)
    return f"{value:.{wanted}f}"


def scaled_or_refused(amount: int, currency: str, wanted: int) -> int:
    """The amount in the unit that the provider counts in; one that the provider cannot express is refused."""
    try:
        return scaled(amount, iso_digits(currency), wanted)
    except ValueError as error:
        raise Refused(f"{currency}: {error}") from error


def utc(at: str | int, plus: float = 0) -> str:
    """RFC 3339 text or seconds since 1970, and some seconds more, as RFC 3339 in UTC. The same instant gives the same text."""
    moment = datetime.fromtimestamp(at, UTC) if isinstance(at, int) else datetime.fromisoformat(at)
    return (moment + timedelta(seconds=plus)).astimezone(UTC).isoformat().replace("+00:00", "Z")


def callback(kind: str, event_id: str, order_id: str, attempt_id: str, at: str, **others: Any) -> Json:
    """The data of a `payment.callback`, without the provider's name. `others` that are None are left out."""
    data = {"kind": kind, "event_id": event_id, "order_id": order_id, "attempt_id": attempt_id, "occurred_at": at}
    return data | {name: value for name, value in others.items() if value is not None}


@dataclass(frozen=True)
class Request:
    """A request of orderly to the provider: an event of type `payment.{kind}_requested`."""

    kind: str
    event_id: str
    at: str
    order_id: str
    attempt_id: str
    amount: int = 0
    currency: str = ""
    capture_id: str | None = None
    capture_request_id: str = ""
    refund_id: str = ""
    part: int = 1
    attempt: int = 1

    @staticmethod
    def of(event: Json) -> Request:
        """Reads the event."""
        data = event["data"]
        names = ("order_id", "attempt_id", "amount", "currency", "capture_id", "capture_request_id", "refund_id", "part")
        known = {name: data[name] for name in names if data.get(name) is not None}
        kind = event["type"].removeprefix("payment.").removesuffix("_requested")
        return Request(kind=kind, event_id=event["id"], at=event["time"], attempt=data.get("try", 1), **known)

    @property
    def key(self) -> str:
        """The idempotency key, a UUID: the same whenever this request is carried out, and another for any other request."""
        own = {
            "refund": f"{self.attempt_id} {self.refund_id} {self.part} {self.attempt}",
            "capture": self.capture_request_id,
            "void": f"{self.attempt_id} {self.event_id}",
        }
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"orderly {self.order_id} {self.kind} {own[self.kind]}"))

    def refusal(self) -> Json | None:
        """What orderly is told when the provider refuses: a failed refund, or the end of an attempt that cannot be captured."""
        if self.kind == "void":
            return None
        kind, refund_id = ("refund_failed", self.refund_id) if self.kind == "refund" else ("failed", None)
        at = utc(self.at)
        return callback(kind, f"refused:{self.key}", self.order_id, self.attempt_id, at, refund_id=refund_id)


class Api:
    """The provider's HTTP API."""

    # Other refusals (401, 403, 409, 429) end when somebody mends the settings, or by themselves.
    FINAL = {400, 402, 404, 405, 410, 422}

    def __init__(self, url: str, headers: Callable[[], dict[str, str]], key_header: str = "Idempotency-Key"):
        self.url, self.headers, self.key_header = url.rstrip("/"), headers, key_header

    def get(self, path: str) -> Json:
        """The JSON at a path. Raises Refused or TryLater, as the other calls do."""
        return self.call("GET", path)

    def post(self, path: str, body: Json, key: str) -> Json:
        """Posts JSON under an idempotency key."""
        return self.call("POST", path, json.dumps(body).encode(), "application/json", key)

    def call(self, method: str, path: str, body: bytes | None = None, kind: str = "", key: str = "") -> Json:
        """Any call."""
        request = urllib.request.Request(self.url + path, body, self.headers(), method=method)
        if kind:
            request.add_header("Content-Type", kind)
        if key:
            request.add_header(self.key_header, key)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                found: Json = json.loads(answer.read() or b"{}")
                return found
        except urllib.error.HTTPError as error:
            text = error.read(2000).decode(errors="replace")
            problem = f"{method} {path}: {error.code} {text}"
            raise (Refused if self.is_final(error.code, text) else TryLater)(problem) from error
        except (OSError, HTTPException, ValueError) as error:
            raise TryLater(f"{method} {path}: {error}") from error

    def is_final(self, status: int, text: str) -> bool:
        """Whether a call that was answered so would be refused again."""
        return status in self.FINAL


class Provider:
    """One provider. `receive` and the requests raise Refused and TryLater."""

    name: str
    accepted = b""  # the body that tells the provider that its webhook arrived

    def receive(self, headers: Message, body: bytes) -> list[Json]:
        """The callbacks of a webhook; raises BadSignature."""
        raise NotImplementedError

    def refund(self, request: Request) -> Iterator[Json]:
        """Sends money back; gives the results that are known at once."""
        raise NotImplementedError

    def capture(self, request: Request) -> None:
        """Captures authorized money; a webhook has the result."""
        raise NotImplementedError

    def void(self, request: Request) -> None:
        """Gives up what is left of an authorization; a webhook has the result."""
        raise NotImplementedError

    def carry_out(self, request: Request) -> Iterator[Json]:
        """Carries out a request, and gives what orderly must be told at once."""
        try:
            if request.kind == "refund":
                yield from self.refund(request)
            elif request.kind == "capture":
                self.capture(request)
            else:
                self.void(request)
            log.info("%s of %s carried out", request.kind, request.order_id)
        except Refused as error:
            log.error("%s of %s refused: %s", request.kind, request.order_id, error)
            if refusal := request.refusal():
                yield refusal


def connect(url: str, heartbeat: int) -> tuple[pika.BlockingConnection, BlockingChannel]:
    """A connection and a channel with publisher confirms."""
    parameters = pika.URLParameters(url)
    parameters.heartbeat = heartbeat  # seconds
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = 10
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.confirm_delivery()
    return connection, channel


class Publisher:
    """Publishes callbacks to orderly. May be used by several threads."""

    def __init__(self, url: str, namespace: str, provider: str, partitions: int = 1):
        self.url, self.exchange, self.provider, self.partitions = url, f"{namespace}.commands", provider, partitions
        self.lock = threading.Lock()
        self.connection: pika.BlockingConnection | None = None
        self.channel: BlockingChannel | None = None

    def publish(self, data: Json) -> None:
        """Returns when a queue of the broker has the callback; raises TryLater otherwise."""
        body = json.dumps(data | {"provider": self.provider}).encode()
        key = routing_key("payment.callback", data["order_id"], self.partitions)
        properties = pika.BasicProperties(
            content_type="application/json",
            type="payment.callback",
            message_id=f"{self.provider}:{data['event_id']}"[:255],
            app_id=f"adapter-{self.provider}",
            delivery_mode=2,
        )
        with self.lock:
            for is_last in (False, True):  # an idle connection may have been lost: then a new one is tried
                try:
                    if self.channel is None:
                        self.connection, self.channel = connect(self.url, heartbeat=10)
                    self.channel.basic_publish(self.exchange, key, body, properties, mandatory=True)
                    return
                except AMQP_ERRORS as error:
                    self.close()
                    if is_last:
                        raise TryLater(f"not published: {error!r}") from error

    def reaches_broker(self) -> bool:
        """Whether there is a connection, or one can be made."""
        with self.lock:
            try:
                if self.channel is None:
                    self.connection, self.channel = connect(self.url, heartbeat=10)
                return True
            except AMQP_ERRORS:
                return False

    def keep_alive(self) -> None:
        """Answers the broker's heartbeats; call it every second or so."""
        if not self.lock.acquire(blocking=False):
            return  # somebody publishes, which answers them too
        try:
            if self.connection is not None:
                self.connection.process_data_events(0)
        except AMQP_ERRORS:
            self.close()
        finally:
            self.lock.release()

    def close(self) -> None:
        """Drops the connection."""
        connection, self.connection, self.channel = self.connection, None, None
        try:
            if connection is not None and connection.is_open:
                connection.close()
        except AMQP_ERRORS:
            pass


class Requests(threading.Thread):
    """Consumes orderly's requests, one at a time, and carries them out. One that cannot be carried out now waits in a queue
    of its own and comes back, for ever at the longest delay."""

    EVENTS = ("payment.refund_requested", "payment.capture_requested", "payment.void_requested")

    def __init__(self, url: str, namespace: str, provider: Provider, publisher: Publisher, delays: list[int]):
        super().__init__(daemon=True)
        self.url, self.namespace, self.provider, self.publisher, self.delays = url, namespace, provider, publisher, delays
        self.queue = f"{namespace}.provider.{provider.name}"
        self.is_consuming = False

    def run(self) -> None:
        """Consumes until the process ends."""
        while True:
            try:
                self.consume()
            except AMQP_ERRORS as error:
                log.warning("no requests are consumed: %r", error)
            except Exception:  # this thread must not end
                log.exception("no requests are consumed")
            self.is_consuming = False
            time.sleep(2)

    def waiting(self, delay: int) -> str:
        """The queue in which a request waits for so many seconds."""
        return f"{self.queue}.retry.{delay}"

    def declare(self, channel: BlockingChannel) -> None:
        """Declares the queues. The exchange is orderly's."""
        safe = {"x-queue-type": "quorum", "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
        dead = f"{self.queue}.dead"
        channel.queue_declare(dead, durable=True, arguments={"x-queue-type": "quorum"})
        to_dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead, "x-delivery-limit": 1000}
        channel.queue_declare(self.queue, durable=True, arguments=safe | to_dead)
        back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": self.queue}
        for delay in self.delays:
            arguments = safe | back | {"x-message-ttl": delay * 1000}
            channel.queue_declare(self.waiting(delay), durable=True, arguments=arguments)
        for event in self.EVENTS:
            channel.queue_bind(self.queue, f"{self.namespace}.events", event)

    def consume(self) -> None:
        """Consumes until the connection is lost."""
        connection, channel = connect(self.url, heartbeat=60)  # longer than a call of the API takes
        try:
            self.declare(channel)
            channel.basic_qos(prefetch_count=1)
            self.is_consuming = True
            for method, properties, body in channel.consume(self.queue):
                self.handle(channel, properties, body)
                channel.basic_ack(method.delivery_tag)
        finally:
            if connection.is_open:
                connection.close()

    def handle(self, channel: BlockingChannel, properties: pika.BasicProperties, body: bytes) -> None:
        """Carries out one request, or lets it wait."""
        try:
            event = json.loads(body)
            if event["data"].get("provider") != self.provider.name:
                return
            request = Request.of(event)
            for data in self.provider.carry_out(request):
                self.publisher.publish(data)
        except TryLater as error:
            log.log(logging.INFO if isinstance(error, NotYet) else logging.WARNING, "later: %s", error)
            self.put_off(channel, properties, body)
        except Exception:  # a fault of ours, or of an answer: the request must not be lost
            log.exception("later: %s", body.decode(errors="replace"))
            self.put_off(channel, properties, body)

    def put_off(self, channel: BlockingChannel, properties: pika.BasicProperties, body: bytes) -> None:
        """Publishes the request to the queue for its next delay."""
        tries: Any = (properties.headers or {}).get("x-adapter-tries", 0)
        delay = self.delays[min(tries, len(self.delays) - 1)]
        properties.headers = {"x-adapter-tries": tries + 1}
        channel.basic_publish("", self.waiting(delay), body, properties, mandatory=True)


class Server(ThreadingHTTPServer):
    """Receives webhooks at `POST /{provider}`, and says at `GET /healthz` whether both ways to the broker are open."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], publisher: Publisher, requests: Requests):
        super().__init__(address, Handler)
        self.provider, self.publisher, self.requests = requests.provider, publisher, requests

    def is_healthy(self) -> bool:
        """Whether callbacks can be published, and no request is missed."""
        return self.requests.is_consuming and self.publisher.reaches_broker()

    def service_actions(self) -> None:
        self.publisher.keep_alive()


class Handler(BaseHTTPRequestHandler):
    """One request of the provider."""

    server: Server
    timeout = 30  # seconds that the provider may take to send its request

    def do_POST(self) -> None:
        """Answers 200 only when the broker has confirmed every callback of the webhook."""
        if self.path.partition("?")[0] != f"/{self.server.provider.name}":
            return self.answer(404)
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return self.answer(413 if length.isdecimal() else 411)
        try:
            callbacks = self.server.provider.receive(self.headers, self.rfile.read(int(length)))
            for data in callbacks:
                self.server.publisher.publish(data)
        except BadSignature as error:
            log.warning("refused a webhook: %s", error)
            return self.answer(401)
        except (Refused, TryLater) as error:
            log.warning("webhook not taken: %s", error)
            return self.answer(503)
        except Exception:
            log.exception("webhook not understood")
            return self.answer(400)
        for data in callbacks:
            log.info("%s of %s published", data["kind"], data["order_id"])
        self.answer(200, self.server.provider.accepted)

    def do_GET(self) -> None:
        """The state of the process."""
        if self.path != "/healthz":
            return self.answer(404)
        self.answer(200 if self.server.is_healthy() else 503)

    def answer(self, status: int, body: bytes = b"") -> None:
        """Sends the answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """What matters is logged above."""


def segment(id: str) -> str:
    """An id as a segment of a path."""
    return urllib.parse.quote(id, safe="")


def metadata_of(thing: Mapping[str, Any]) -> Json:
    """The metadata of a thing of a provider, which may be missing or no object."""
    found = thing.get("metadata")
    return found if isinstance(found, dict) else {}


def run(provider: Provider) -> None:
    """Runs the adapter until SIGTERM or SIGINT. What is in hand then is sent again, by the provider or by RabbitMQ."""
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s %(levelname)s {provider.name}: %(message)s")
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    url, namespace = setting("BROKER_URL"), setting("NAMESPACE", "orderly")
    host, _, port = setting("LISTEN", "127.0.0.1:8090").rpartition(":")
    delays = [int(delay) for delay in setting("RETRY_DELAYS", "5,60,600,3600").split(",")]
    publisher = Publisher(url, namespace, provider.name, int(setting("PARTITIONS", "1")))
    requests = Requests(url, namespace, provider, publisher, delays)
    server = Server((host, int(port)), publisher, requests)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    requests.start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass

"""What the tests of the adapters share: orderly, an adapter and a fake of its provider's API as processes or threads, a broker
that can be cut off, and a shop.

ORDERLY_TEST_AMQP is the broker's URL, and ORDERLY_TEST_BIN the program (by default target/debug/orderly).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pika

PROVIDERS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROVIDERS))

Json = dict[str, Any]
PATIENCE = 60.0  # seconds; longer than any step takes that succeeds


def broker_url() -> str:
    """The broker of the tests."""
    url = os.environ.get("ORDERLY_TEST_AMQP")
    if not url:
        raise RuntimeError("ORDERLY_TEST_AMQP names no broker: run this by scripts/with-rabbitmq")
    return url


def until(what: str, done: Callable[[], Any]) -> Any:
    """Waits until `done` gives something true, and gives that."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if found := done():
            return found
        time.sleep(0.03)
    raise AssertionError(f"did not happen in time: {what}")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def fetch(method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of an answer; 0 when there is none."""
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


class Process:
    """A process that is ready when it answers at a URL."""

    def __init__(self, arguments: list[str], environment: dict[str, str], ready: str):
        self.arguments, self.environment, self.ready = arguments, os.environ | environment, ready
        self.start()

    def start(self) -> None:
        """Starts it, and returns when it is ready."""
        self.child = subprocess.Popen(self.arguments, env=self.environment, stdin=subprocess.DEVNULL)
        until(f"{self.arguments[0]} answers", self.is_ready)

    def is_ready(self) -> bool:
        if self.child.poll() is not None:
            raise AssertionError(f"{self.arguments} ended with {self.child.returncode}")
        return fetch("GET", self.ready)[0] == 200

    def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """Ends it."""
        self.child.send_signal(by)
        self.child.wait(PATIENCE)


class Proxy:
    """A way to the broker that can be cut."""

    def __init__(self, url: str):
        parts = urlsplit(url)
        self.target = (parts.hostname or "127.0.0.1", parts.port or 5672)
        self.port = free_port()
        self.url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{self.port}").geturl()
        self.open: list[socket.socket] = []
        self.restore()

    def restore(self) -> None:
        """Takes connections."""
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def cut(self) -> None:
        """Ends all connections, and takes no more."""
        for one in [self.listener, *self.open]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
        self.open = []

    def accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, far = listener.accept()[0], socket.create_connection(self.target)
            except OSError:
                return
            self.open += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    @staticmethod
    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


@dataclass
class Call:
    """A call of the adapter to the fake."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Json:
        return json.loads(self.body or b"{}")

    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}


class Problem(Exception):
    """An answer of the fake that is an error."""

    def __init__(self, status: int, body: Json):
        super().__init__(status)
        self.status, self.body = status, body


@dataclass
class Webhook:
    """A request of the provider."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Fake(ThreadingHTTPServer):
    """The API of a provider, made after its documentation: the outside world, as far as an adapter sees it. What happens makes
    webhooks, which wait in `outbox` until the test sends them."""

    daemon_threads = True
    key_header = "Idempotency-Key"
    once_final = True  # whether an authorization ends with its first capture

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FakeHandler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.guard = threading.RLock()
        self.outbox: list[Webhook] = []
        self.calls: list[Call] = []
        self.kept: dict[str, tuple[bytes, int, Json]] = {}
        self.trouble: list[str] = []  # what happens to the next calls that carry out requests
        self.is_down = False
        self.seconds = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def now(self) -> int:
        """The provider's clock, in seconds since 1970: each look is a second later."""
        self.seconds += 1
        return 1_767_225_600 + self.seconds

    def environment(self) -> dict[str, str]:
        """What the adapter must be told."""
        raise NotImplementedError

    def answer(self, call: Call) -> Json:
        """Does what is asked; raises Problem."""
        raise NotImplementedError

    def signed(self, webhook: Webhook) -> Webhook:
        """The webhook as the provider sends it now."""
        return webhook

    def forged(self, webhook: Webhook) -> Webhook:
        """The webhook as somebody else sends it."""
        raise NotImplementedError

    # What happens at the provider. Amounts are minor units of ISO 4217.

    def authorize(self, order: str, amount: int, currency: str) -> str:
        """A customer's bank authorizes a payment; gives the attempt id."""
        raise NotImplementedError

    def pay(self, order: str, amount: int, currency: str) -> str:
        """A customer pays; gives the attempt id."""
        raise NotImplementedError

    def decline(self, order: str, amount: int, currency: str) -> None:
        """A customer's bank declines."""
        raise NotImplementedError

    def expire(self, attempt: str) -> None:
        """An authorization runs out."""
        raise NotImplementedError

    def capture_in_dashboard(self, attempt: str, amount: int) -> None:
        """Somebody at the shop captures an authorization, by hand."""
        raise NotImplementedError

    def refund_in_dashboard(self, attempt: str, amount: int) -> None:
        """Somebody at the shop sends money back, by hand."""
        raise NotImplementedError

    def made(self, attempt: str) -> list[Json]:
        """The refunds of an attempt that moved money, or tried to."""
        raise NotImplementedError

    def bounce(self) -> None:
        """The newest refund fails, long after it was made."""
        raise NotImplementedError

    def dispute(self, attempt: str) -> None:
        """The customer disputes the payment."""
        raise NotImplementedError

    def close_dispute(self, attempt: str, is_won: bool) -> None:
        """The dispute ends."""
        raise NotImplementedError

    # The idempotent and sometimes broken HTTP server around it.

    def handle_call(self, call: Call) -> tuple[int, Json]:
        with self.guard:
            self.calls.append(call)
            if self.is_down:
                return 503, {}
            key = call.headers.get(self.key_header.lower(), "")
            trouble = self.trouble.pop(0) if self.trouble and call.method == "POST" and self.is_request(call) else ""
            if trouble == "down":
                return 503, {}
            if trouble == "refuse":
                return 422, {"status": 422, "detail": "refused by the fake"}
            if key in self.kept and call.method == "POST":
                body, status, answer = self.kept[key]
                return (status, answer) if body == call.body else (400, {"detail": "this key had another body"})
            try:
                status, answer = 200, self.answer(call)
            except Problem as problem:
                status, answer = problem.status, problem.body
            if key and call.method == "POST" and status < 300 and trouble != "forgotten":
                self.kept[key] = (call.body, status, answer)
        if trouble == "hang":
            time.sleep(3)
        return (500, {}) if trouble in ("lost answer", "forgotten") else (status, answer)

    def is_request(self, call: Call) -> bool:
        """Whether the call carries out a request of orderly."""
        return self.key_header.lower() in call.headers

    def requests(self, part: str) -> list[Call]:
        """The calls that carry out requests, with `part` in their path."""
        return [call for call in self.calls if part in call.path and call.method == "POST" and self.is_request(call)]


class FakeHandler(BaseHTTPRequestHandler):
    """Passes calls to the fake."""

    server: Fake

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer = self.server.handle_call(Call(self.command, parts.path, parse_qs(parts.query), headers, body))
        text = json.dumps(answer).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
        except OSError:
            pass  # the adapter was killed

    do_GET = do_DELETE = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Shop:
    """Orderly on a namespace and a store of its own, and a producer of commands."""

    def __init__(self, name: str):
        self.namespace = f"{name}-{uuid.uuid4().hex[:8]}"
        self.directory = tempfile.TemporaryDirectory()
        port = free_port()
        self.api = f"http://127.0.0.1:{port}"
        environment = {
            "ORDERLY_BROKER__URL": broker_url(),
            "ORDERLY_BROKER__NAMESPACE": self.namespace,
            "ORDERLY_BROKER__RETRY_DELAYS": '["1s"]',
            "ORDERLY_STORE__PATH": f"{self.directory.name}/store",
            "ORDERLY_ADMIN__BIND": f"127.0.0.1:{port}",
            "ORDERLY_NOTIFICATIONS__CHANNELS": "[]",
            "RUST_LOG": "error",
        }
        program = os.environ.get("ORDERLY_TEST_BIN") or str(PROVIDERS.parent.parent / "target/debug/orderly")
        self.process = Process([program, "serve"], environment, f"{self.api}/readyz")
        self.connection = pika.BlockingConnection(pika.URLParameters(broker_url() + "?heartbeat=0"))
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()
        # a copy of every command, to see what an adapter has published
        self.tap = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.queue_bind(self.tap, f"{self.namespace}.commands", "payment.callback")
        self.orders = 0
        self.send("stock.set", sku="tea", on_hand=1_000_000)

    def stop(self) -> None:
        """Ends it, and leaves no queue behind: the tests share a broker."""
        self.process.stop()
        names = ["commands", "dead", "mark", "retry.1s"]
        own = f"provider.{self.namespace.partition('-')[0]}"
        for name in [*names, own, f"{own}.dead", f"{own}.retry.1"]:
            self.channel.queue_delete(f"{self.namespace}.{name}")
        for name in ("commands", "dead", "events", "notifications"):
            self.channel.exchange_delete(f"{self.namespace}.{name}")
        self.connection.close()
        self.directory.cleanup()

    def send(self, kind: str, **data: Any) -> None:
        """Publishes a command."""
        properties = pika.BasicProperties(message_id=str(uuid.uuid4()), app_id="shop", content_type="application/json")
        body = json.dumps(data).encode()
        self.channel.basic_publish(f"{self.namespace}.commands", kind, body, properties, mandatory=True)

    def callbacks(self) -> list[Json]:
        """The callbacks that were published since the last call."""
        found = []
        while (got := self.channel.basic_get(self.tap, auto_ack=True))[0] is not None:
            found.append(json.loads(got[2]))
        return found

    def place(self, total: int = 1000, currency: str = "EUR", **more: Any) -> str:
        """Places an order of one line, and gives its id."""
        self.orders += 1
        order = f"o-{self.orders}"
        lines = [{"sku": "tea", "quantity": 1, "unit_price": total}]
        self.send("order.place", order_id=order, customer={"id": "c-1"}, currency=currency, lines=lines, **more)
        self.wait(order, lambda one: one["status"] == "awaiting_payment")
        return order

    def get(self, path: str) -> Any:
        """The JSON at a path of the admin API, or None."""
        status, body = fetch("GET", self.api + path)
        return json.loads(body) if status == 200 else None

    def order(self, order: str) -> Json:
        return self.get(f"/api/orders/{order}") or {}

    def wait(self, order: str, done: Callable[[Json], Any]) -> Json:
        """Waits until the order is as wanted, and gives it."""
        try:
            return until(order, lambda: (one := self.order(order)) and done(one) and one)
        except AssertionError:
            timeline = [item["summary"] for item in self.get(f"/api/orders/{order}/timeline") or []]
            raise AssertionError(f"{json.dumps(self.order(order), indent=1)}\n{timeline}") from None

    def wait_for(self, order: str, **wanted: Any) -> Json:
        """Waits until the order's fields have these values."""
        return self.wait(order, lambda one: all(one.get(name) == value for name, value in wanted.items()))

    def attempt(self, order: str) -> Json:
        """The newest attempt of an order."""
        return self.order(order)["attempts"][-1]

    def timeline(self, order: str) -> list[Json]:
        return self.get(f"/api/orders/{order}/timeline") or []


class Adapter:
    """An adapter as a process."""

    def __init__(self, provider: str, fake: Fake, namespace: str, broker: str):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.hook = f"{self.url}/{provider}"
        self.fake = fake
        environment = fake.environment() | {
            "BROKER_URL": broker,
            "NAMESPACE": namespace,
            "LISTEN": f"127.0.0.1:{port}",
            "RETRY_DELAYS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.process = Process([sys.executable, str(PROVIDERS / f"{provider}.py")], environment, f"{self.url}/healthz")

    def post(self, webhook: Webhook) -> tuple[int, bytes]:
        """Sends a webhook as it is."""
        return fetch("POST", self.hook, webhook.body, webhook.headers)

    def deliver(self, *webhooks: Webhook) -> None:
        """Sends webhooks, by default all that wait, and wants each to be taken."""
        waiting, self.fake.outbox = (self.fake.outbox, []) if not webhooks else (list(webhooks), self.fake.outbox)
        for webhook in waiting:
            status, _ = self.post(self.fake.signed(webhook))
            if status != 200:
                raise AssertionError(f"answered {status}: {webhook}")


__all__ = ["Adapter", "Call", "Fake", "Json", "Problem", "Proxy", "Shop", "Webhook", "broker_url", "until"]

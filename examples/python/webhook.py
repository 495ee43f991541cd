"""Receives notifications of orderly as signed webhooks, each once: see docs/webhooks.md.

    WEBHOOK_SECRET=... LISTEN=127.0.0.1:8090 python3 webhook.py

A real receiver keeps the ids of notifications in its database, in one transaction with what it does about them; here they are in
memory. Needs nothing but Python.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ["WEBHOOK_SECRET"].encode()
TOLERANCE = 300  # seconds
MAX_BODY = 1 << 20  # bytes
seen: set[str] = set()


def is_valid(timestamp: str, signature: str, body: bytes) -> bool:
    """Whether orderly signed these bytes, not long ago."""
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    mac = hmac.new(SECRET, timestamp.encode() + b"." + body, hashlib.sha256)
    return hmac.compare_digest("v1=" + mac.hexdigest(), signature)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = 10  # seconds that the sender may take

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return self.answer(413)
        body = self.rfile.read(int(length))
        if not is_valid(self.headers.get("orderly-timestamp", ""), self.headers.get("orderly-signature", ""), body):
            return self.answer(401)
        notification = json.loads(body)
        if notification["notification_id"] not in seen:
            # Send the e-mail here. If that fails, answer 503: orderly tries again later.
            print(f"{notification['kind']} {notification['order_id']} to {notification['customer'].get('email')}", flush=True)
            seen.add(notification["notification_id"])
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """What matters is printed above."""


if __name__ == "__main__":
    host, _, port = os.environ.get("LISTEN", "127.0.0.1:8090").rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Handler)
    print("ready", flush=True)
    server.serve_forever()

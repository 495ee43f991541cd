"""Reacts to events of orderly, each once, however often it is delivered.

    BROKER_URL=amqp://guest:guest@127.0.0.1:5672/%2f python3 subscriber.py shipments.db

The reaction and the id of its event are committed in one transaction, and the event is acknowledged after that: when this
program dies in between, the event is delivered again and is found to be done. NAMESPACE is `broker.namespace` (default
orderly), QUEUE the name of the queue (default warehouse.orders). Needs pika.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

Json = dict[str, Any]


class Warehouse:
    """Shipments, and the ids of the events that made them."""

    def __init__(self, path: str):
        self.database = sqlite3.connect(path)
        self.database.execute("CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY)")
        self.database.execute("CREATE TABLE IF NOT EXISTS shipment (order_id TEXT PRIMARY KEY, lines TEXT)")

    def handle(self, event: Json) -> bool:
        """Ships what was paid; says whether the event was new."""
        with self.database:  # one transaction
            added = self.database.execute("INSERT OR IGNORE INTO seen VALUES (?)", [event["id"]]).rowcount
            if added and event["type"] == "order.paid":
                data = event["data"]
                self.database.execute(
                    "INSERT OR IGNORE INTO shipment VALUES (?, ?)", [data["order_id"], json.dumps(data["lines"])]
                )
        return bool(added)


def main() -> None:
    warehouse = Warehouse(sys.argv[1])
    url = os.environ.get("BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/%2f")
    namespace = os.environ.get("NAMESPACE", "orderly")
    queue = os.environ.get("QUEUE", "warehouse.orders")
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    # Durable, and bound before the first event that matters: RabbitMQ keeps no event for a queue that comes later.
    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
    channel.queue_bind(queue, f"{namespace}.events", "order.*")
    channel.basic_qos(prefetch_count=50)

    def deliver(channel: BlockingChannel, method: Any, _: Any, body: bytes) -> None:
        event = json.loads(body)
        is_new = warehouse.handle(event)
        channel.basic_ack(method.delivery_tag)
        print(f"{event['type']} {event['subject']} {'handled' if is_new else 'again, ignored'}", flush=True)

    channel.basic_consume(queue, deliver)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("ready", flush=True)
    channel.start_consuming()


if __name__ == "__main__":
    main()

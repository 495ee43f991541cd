"""Publishes the commands of a file to orderly, and acts on the verdict of each.

    BROKER_URL=amqp://guest:guest@127.0.0.1:5672/%2f python3 producer.py ../commands.jsonl

NAMESPACE is `broker.namespace` (default orderly), PARTITIONS is `cluster.partitions` (default 1), VERDICT_TIMEOUT the seconds after
which a command is published again (default 10). Needs pika.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import uuid
from typing import Any

import pika

Json = dict[str, Any]
TRIES = 5


# An id that a command of each type has; all its ids have the same key. docs/partitions.md
IDS = ("order_id", "cart_id", "into_cart_id", "sku")


def partition(id: str, partitions: int) -> int:
    """The number of the partition of an id. Its key is what stands before the first `:`."""
    key = id.split(":", 1)[0] if ":" in id else ""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % partitions


def routing_key(kind: str, data: Json, partitions: int) -> str:
    """The type of the command, behind the partition that it belongs to where there are several."""
    if partitions == 1:
        return kind
    id = next((data[name] for name in IDS if name in data), "")
    return f"p{partition(id, partitions)}.{kind}"


class Unanswered(Exception):
    """No verdict came. The command may have been processed: publishing it again under the same id is safe."""


class Orderly:
    """A connection that publishes commands with confirms, and a queue of its own for the verdicts."""

    def __init__(self, url: str, namespace: str, partitions: int, source: str, timeout: float):
        self.partitions = partitions
        self.exchange, self.source, self.timeout = f"{namespace}.commands", source, timeout
        self.channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
        self.channel.confirm_delivery()
        # Exclusive: it goes with the connection. Verdicts are sent once and are not stored, so it need not be durable.
        self.replies = self.channel.queue_declare("", exclusive=True).method.queue

    def send(self, kind: str, id: str, data: Json) -> Json:
        """Publishes a command until its verdict comes. The id is the same in every try, so the command counts once."""
        for _ in range(TRIES):
            correlation = str(uuid.uuid4())
            # Returns when RabbitMQ has confirmed the message; raises when no queue takes it (mandatory) or it is rejected.
            self.channel.basic_publish(
                self.exchange,
                routing_key(kind, data, self.partitions),
                json.dumps(data),
                pika.BasicProperties(
                    content_type="application/json",
                    delivery_mode=2,
                    message_id=id,
                    app_id=self.source,
                    type=kind,
                    reply_to=self.replies,
                    correlation_id=correlation,
                ),
                mandatory=True,
            )
            if verdict := self.reply(correlation):
                return verdict
            print(f"{kind} {id}: no verdict yet, publishing it again", flush=True)
        raise Unanswered(id)

    def reply(self, correlation: str) -> Json | None:
        """The verdict with this correlation id. Those of earlier tries are dropped."""
        ends = time.monotonic() + self.timeout
        while (left := ends - time.monotonic()) > 0:
            for _, properties, body in self.channel.consume(self.replies, auto_ack=True, inactivity_timeout=left):
                if properties is None:
                    break
                if properties.correlation_id == correlation:
                    return json.loads(body)
        return None


def act_on(verdict: Json) -> str:
    """What a shop does about a verdict; docs/reasons.md has every reason."""
    match verdict["verdict"]:
        case "applied":
            return "done: " + ", ".join(verdict["events"])
        case "duplicate":
            # Processed before, under this id: what came of it then is what counts.
            return "done before: " + verdict["original"]["verdict"]
        case "stale":
            return "out of date, nothing to do"
        case "waiting":
            return "kept until its order is placed"
        case "rejected" if verdict["reason"] == "out_of_stock":
            short = verdict["detail"][0]
            return f"tell the customer: {short['available']} of {short['sku']} left"
        case "rejected":
            return f"refused: {verdict['reason']}"
        case "review":
            return "recorded; a person looks at the order"
        case "conflict":
            return "a bug here: this id was used for other data"
        case "invalid":
            return f"a bug here: {verdict['detail']}"
        case "failed":
            return "parked: orderly's operators replay it"
        case other:
            # Later versions may have more.
            return f"not known to this program: {other}"


def main() -> None:
    orderly = Orderly(
        os.environ.get("BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/%2f"),
        os.environ.get("NAMESPACE", "orderly"),
        int(os.environ.get("PARTITIONS", "1")),
        source="example",
        timeout=float(os.environ.get("VERDICT_TIMEOUT", "10")),
    )
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            command = json.loads(line)
            verdict = orderly.send(command["type"], command["id"], command["data"])
            print(f"{command['type']} {command['id']}: {verdict['verdict']}: {act_on(verdict)}", flush=True)


if __name__ == "__main__":
    main()

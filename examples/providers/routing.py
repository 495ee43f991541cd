"""Where a command goes in a namespace with partitions: docs/partitions.md."""

from __future__ import annotations

import hashlib


def routing_key(kind: str, order_id: str, partitions: int) -> str:
    """The type of the command, behind the number of the partition of its order where there are several."""
    key = order_id.split(":", 1)[0] if ":" in order_id else ""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % partitions
    return kind if partitions == 1 else f"p{number}.{kind}"

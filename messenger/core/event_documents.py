"""`docs/events/`: a JSON Schema for every event in its envelope, and a page that lists them."""

from __future__ import annotations

import json
from typing import Any

from messenger.core.brokers.protocol import dead_letter_topic
from messenger.core.events import VERSION, Event, event_classes
from messenger.core.logging import SERVICE

Schema = dict[str, Any]
UUID_OR_NULL = {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}


def event_documents() -> dict[str, str]:
    """File name → content, for every file of the folder."""
    schemas = {
        f"{one.event_type}.json": json.dumps(envelope_schema(one), ensure_ascii=False, indent=1)
        + "\n"
        for one in event_classes()
    }
    return {"README.md": _page(), **schemas}


def envelope_schema(event: type[Event]) -> Schema:
    """What arrives at the broker for an event of this class."""
    payload = event.model_json_schema(mode="serialization")
    definitions = payload.pop("$defs", {})
    schema: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event.event_type,
        "description": _says(event),
        **_strict(
            {
                "event_id": {"type": "string", "format": "uuid"},
                "event_type": {"const": event.event_type},
                "timestamp": {"type": "string", "format": "date-time"},
                "service": {"const": SERVICE},
                "payload": payload,
                "metadata": _strict(
                    {
                        "request_id": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                        "actor_id": UUID_OR_NULL,
                        "version": {"const": VERSION},
                    }
                ),
            }
        ),
    }
    return {**schema, "$defs": definitions} if definitions else schema


def _strict(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _says(event: type[Event]) -> str:
    return " ".join((event.__doc__ or "").split())


def _page() -> str:
    rows = "\n".join(
        f"| [`{one.event_type}`]({one.event_type}.json) | `{one.topic}` | {_says(one)} |"
        for one in sorted(event_classes(), key=lambda one: (one.topic, one.event_type))
    )
    return PAGE.replace("ROWS", rows).replace("DEAD", dead_letter_topic("message.send"))


PAGE = """# Events

Made from the `Event` classes by `make docs`; a test holds it to them.

What happens in the product leaves through the broker named by `EVENT_BROKER_TYPE`. Each event is
one JSON object, the envelope; its schema is the file behind its name.

| field | is |
|---|---|
| `event_id` | UUID; the same whenever the event arrives again |
| `event_type` | the name, in the table below |
| `timestamp` | when it happened, RFC 3339 in UTC |
| `service` | `messenger` |
| `payload` | the fact itself |
| `metadata` | `request_id`, `actor_id` (who did it), each or null; `version` of the payload |

- **At least once.** After a failure events come again: drop an `event_id` that you have seen.
- **In order per key.** The key is the id of what the event is about: of the chat, for receipts of
  the person. After a failure an older event may be repeated behind a newer one; taken by first
  arrival the order holds.
- **Nothing is lost while the broker is away**: events wait in the database, and leave when it is
  back.
- An event that the broker refuses for good (larger than it takes) is put aside, for staff to see in
  the admin under *Outbox events* and to try again; its successors are not held up.

| broker | the topic is | the key is | kept |
|---|---|---|---|
| `redis` | a stream; the envelope is an entry's field `body` | the field `key` | [1] |
| `kafka` | a topic | the record's key | as the cluster keeps it |
| `rabbitmq` | the routing key in the topic exchange `lumin` | the header `key` | [2] |
| `none` | – | – | events stay inside |

1. About `EVENT_STREAM_LENGTH` entries, as durable as that Redis is.
2. By the queues bound to the exchange. Without one an event is dropped: declare a durable queue and
   bind it before you count on it.

Kafka is written with `acks=all` by an idempotent producer, RabbitMQ with publisher confirms.

Consumers of ours read as a named group; what they cannot do anything with goes, as it came, to the
topic with `.dead` behind its name (`DEAD`), with the reason in the header `reason`.

| event | topic | says |
|---|---|---|
ROWS
"""

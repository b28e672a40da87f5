"""Generates `docs/events/`: a page, and a JSON Schema per event."""

from __future__ import annotations

import json
from typing import Any

from messenger.core.brokers.protocol import dead_letter_topic
from messenger.core.events import VERSION, Event, event_classes
from messenger.core.logging import SERVICE

Schema = dict[str, Any]
UUID_OR_NULL = {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}


def event_documents() -> dict[str, str]:
    """File name → content of every file of the folder."""
    schemas = {
        f"{one.event_type}.json": json.dumps(envelope_schema(one), ensure_ascii=False, indent=1)
        + "\n"
        for one in event_classes()
    }
    return {"README.md": _page(), **schemas}


def envelope_schema(event: type[Event]) -> Schema:
    """The JSON Schema of an event of this class in its envelope."""
    payload = event.model_json_schema(mode="serialization")
    definitions = payload.pop("$defs", {})
    schema: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event.event_type,
        "description": _description(event),
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


def _description(event: type[Event]) -> str:
    return " ".join((event.__doc__ or "").split())


def _page() -> str:
    rows = "\n".join(
        f"| [`{one.event_type}`]({one.event_type}.json) | `{one.topic}` | {_description(one)} |"
        for one in sorted(event_classes(), key=lambda one: (one.topic, one.event_type))
    )
    return PAGE.replace("ROWS", rows).replace("DEAD", dead_letter_topic("message.send"))


PAGE = """# Events

Generated from the `Event` classes by `make docs`; a test compares them.

The product publishes domain events to the broker named by `EVENT_BROKER_TYPE`. Each event is one
JSON object, the envelope; its schema is in the file linked below.

| field | meaning |
|---|---|
| `event_id` | UUID; the same when the event is delivered again |
| `event_type` | the name, in the table below |
| `timestamp` | the time of the event, RFC 3339 in UTC |
| `service` | `messenger` |
| `payload` | the fields of the event type |
| `metadata` | `request_id` and `actor_id`, or null; `version` of the payload |

- **At least once.** After a failure events are delivered again: ignore a known `event_id`.
- **In order per key.** The key is the id of the aggregate: the chat, or the user for receipts.
  After a failure an older event may be repeated after a newer one; first deliveries are in order.
- **No loss while the broker is unavailable**: events wait in the database and are published later.
- An event that the broker refuses permanently, for instance for its size, is set aside. Staff find
  it in the admin under *Outbox events* and can publish it again. Later events do not wait.

| broker | topic | key | retention |
|---|---|---|---|
| `redis` | a stream; the envelope is the field `body` of an entry | the field `key` | [1] |
| `kafka` | a topic | the key of the record | as configured |
| `rabbitmq` | the routing key in the topic exchange `lumin` | the header `key` | [2] |
| `none` | – | – | events are not published |

1. About `EVENT_STREAM_LENGTH` entries, as durable as that Redis.
2. In the queues bound to the exchange. Without a queue an event is dropped: declare a durable queue
   and bind it first.

Kafka gets events from an idempotent producer with `acks=all`, RabbitMQ with publisher confirms.

The product's own consumer reads commands as a named group. It publishes those that it cannot
process unchanged to a dead-letter topic, such as `DEAD`, with the reason in the header `reason`.

| event | topic | description |
|---|---|---|
ROWS
"""

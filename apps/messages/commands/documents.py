"""`docs/commands/`: a JSON Schema for every command in its envelope, and a page that lists them."""

from __future__ import annotations

import json
from typing import Any

from apps.messages.commands.broker import SHAPES
from messenger.core.brokers.protocol import dead_letter_topic


def command_documents() -> dict[str, str]:
    """File name → content, for every file of the folder."""
    schemas = {f"{topic}.json": _schema(topic) for topic in SHAPES}
    return {"README.md": PAGE.replace("DEAD", dead_letter_topic("message.send")), **schemas}


def _schema(topic: str) -> str:
    schema: dict[str, Any] = SHAPES[topic].model_json_schema()
    schema["properties"]["event_type"] = {"const": topic}
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": topic,
    }
    return json.dumps(described, ensure_ascii=False, indent=1) + "\n"


PAGE = """# Commands

Made from the shapes in `apps/messages/commands` by `make docs`; a test holds it to them.

Other systems ask for things by publishing to these topics of the broker that `EVENT_BROKER_TYPE`
names; `manage.py consume_commands` does them through the same services as every other door.
`make run` starts it where `CONSUME_COMMANDS` says so.

| topic | payload |
|---|---|
| [`message.send`](message.send.json) | as `POST /api/v1/messages`; the id may be the command's |
| [`message.edit`](message.edit.json) | `message_id`, `text` |
| [`message.read`](message.read.json) | `message_id`, or `chat_id` and `seq`: up to there |
| [`message.delete`](message.delete.json) | `message_id`, for everyone |

A command is one JSON object in the envelope of [events](../events/README.md): `event_id`, its own
id; `event_type`, the topic's name; `payload`; `metadata` with `actor_id`, in whose name.
`timestamp`, `service` and `metadata.request_id` may be there. A message without a `message_id` gets
the command's id.

- **Order.** Commands with one key, best the chat's id, are done in the order of their topic.
  Between topics there is none: edit a message once its event has come back.
- **Trust.** Who may write to these topics acts for anybody: guard them with the broker's own
  rights. What the actor may not do is refused all the same. No rate limit applies.
- **Once.** A command is done in the transaction that notes its `event_id`. Sent again, or read
  again after a crash, it does nothing.
- **Nothing is lost.** The place in the topic is committed after the transaction, and while the
  database is away the consumer waits.
- **Dead letters.** What cannot be done goes as it came to `DEAD` and its like, with the reason
  in the header `reason`: a stable code, then words. `internal` means that the log knows more.
- **Scale.** Several consumers share the topics: Kafka by partitions, a Redis stream by entry (so
  order holds with one consumer only), RabbitMQ with one at work and the others standing by.
"""

"""Generates `docs/commands/`: a page, and a JSON Schema per command."""

from __future__ import annotations

import json
from typing import Any

from apps.messages.commands.broker import SHAPES
from messenger.core.brokers.protocol import dead_letter_topic


def command_documents() -> dict[str, str]:
    """File name → content of every file of the folder."""
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

Generated from the shapes in `apps/messages/commands` by `make docs`; a test compares them.

Other systems publish commands to these topics of the broker that `EVENT_BROKER_TYPE` names.
`manage.py consume_commands` executes them with the services of the other entry points; `make run`
starts it if `CONSUME_COMMANDS` is set.

| topic | payload |
|---|---|
| [`message.send`](message.send.json) | as for `POST /api/v1/messages`; `message_id` is optional |
| [`message.edit`](message.edit.json) | `message_id`, `text` |
| [`message.read`](message.read.json) | `message_id`, or `chat_id` and `seq`: the last one read |
| [`message.delete`](message.delete.json) | `message_id`; deletes for everyone |

A command is one JSON object in the envelope of [events](../events/README.md): `event_id`, the
command's id; `event_type`, the name of the topic; `payload`; `metadata` with `actor_id`, the acting
user. `timestamp`, `service` and `metadata.request_id` are optional. A message without a
`message_id` gets the id of the command.

- **Order.** Commands with the same key, preferably the id of the chat, are executed in the order
  of their topic. There is no order between topics: edit a message after its event was published.
- **Trust.** Systems that may write to these topics act for any user: restrict access in the broker.
  The actor's rights are checked nevertheless. No rate limits apply.
- **Exactly once.** A command and its `event_id` are stored in one transaction. A repeated or
  redelivered command has no effect.
- **No loss.** The position in the topic is committed after the transaction. While the database is
  unavailable, the consumer waits.
- **Dead letters.** A command that cannot be executed is published unchanged to a topic such as
  `DEAD`, with the reason in the header `reason`: a stable code, then a text. For `internal` see the
  log.
- **Scale.** Consumers share the topics: Kafka by partitions, a Redis stream by entries (in order
  only with one consumer), RabbitMQ with one active consumer and others standing by.
"""

"""The writer alone: successive batches of 64 through `messages_send` in one thread.

`python -m bench.writer FILE [SECONDS] [SIZE]` prints messages a second.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from uuid import UUID

import django


def main(path: str, seconds: float = 6.0, size: int = 64) -> None:
    """Measure and print one JSON object."""
    django.setup()
    from apps.chats.models import Participant
    from apps.messages.services.send import SendRequest, messages_send
    from bench.load import TEXT
    from messenger.core import live
    from messenger.core.ids import new_id

    live.publisher.put = lambda frames: None  # type: ignore[method-assign]
    chats = [UUID(pair["chat"]) for pair in json.loads(Path(path).read_text())["pairs"]]
    rows = Participant.objects.filter(chat_id__in=chats).values_list("chat_id", "user_id")
    ends = list(rows)
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        batch = [
            SendRequest(user_id, chat_id, new_id(), TEXT)
            for chat_id, user_id in (ends[(done + n) % len(ends)] for n in range(size))
        ]
        messages_send(batch)
        done += size
    print(json.dumps({"per_second": done / (time.perf_counter() - started)}))


if __name__ == "__main__":
    main(sys.argv[1], *(float(one) for one in sys.argv[2:3]), *(int(one) for one in sys.argv[3:4]))

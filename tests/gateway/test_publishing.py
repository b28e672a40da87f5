"""What leaves a process for Redis, and what does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from channels.layers import get_channel_layer
from django.conf import settings
from redis.client import PubSub

from messenger.core.live import Body, Frame, Publisher
from messenger.core.redis import client
from messenger.gateway import hub as hubs

pytestmark = pytest.mark.redis
GROUP = "chat.publishing"


class Hub:
    """One that knows what it has subscribed to."""

    def __init__(self, *held: str) -> None:
        self.held, self.heard = set(held), []

    def hear(self, frames: list[Body]) -> None:
        self.heard += [frame["text"] for frame in frames]

    def holds(self, group: str) -> bool:
        return group in self.held


@pytest.fixture
def subscription() -> Iterator[PubSub]:
    config = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    redis = client(config["hosts"][0]["address"])
    with redis.pubsub(ignore_subscribe_messages=True) as made:
        made.subscribe(f"{config['prefix']}__group__{GROUP}")
        while not redis.pubsub_numsub(*made.channels)[0][1]:
            made.get_message(timeout=0.1)
        yield made


def arrived(subscription: PubSub, seconds: float) -> str | None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:  # None also stands for a message that is to be ignored
        if message := subscription.get_message(timeout=0.1):
            return get_channel_layer().deserialize(message["data"])["text"]
    return None


def test_a_process_does_not_read_its_own_frames_back(subscription):
    hub, publisher = Hub(GROUP), Publisher()
    publisher.hear(hub)
    publisher.put([Frame(GROUP, "own", seq=1)])
    assert (arrived(subscription, 0.5), hub.heard) == (None, ["own"])


def test_what_nobody_heals_is_published_in_any_case(subscription):
    publisher = Publisher()
    publisher.hear(Hub(GROUP))
    publisher.put([Frame(GROUP, "a receipt")])
    assert arrived(subscription, 5) == "a receipt"


def test_what_another_process_hears_is_published(subscription):
    hub, publisher = Hub(), Publisher()
    publisher.hear(hub)
    publisher.put([Frame(GROUP, "for others too", seq=1), Frame("chat.x", "for nobody", seq=1)])
    assert arrived(subscription, 5) == "for others too"
    assert hub.heard == ["for others too", "for nobody"]


def test_without_a_hub_it_is_published_to_whoever_listens(subscription):
    Publisher().put([Frame(GROUP, "from a worker", seq=1)])
    assert arrived(subscription, 5) == "from a worker"


async def test_a_socket_that_leaves_during_the_first_start_leaves_one_hub_behind(monkeypatch):
    publisher = Publisher()
    monkeypatch.setattr(hubs, "publisher", publisher)
    hub = hubs.Hub(settings.SOCKET_HEARTBEAT, 20)
    first = asyncio.create_task(hub.start())
    await asyncio.sleep(0)
    first.cancel()
    await hub.start()
    assert publisher.hubs == [hub]
    await hub.shutdown()
    assert publisher.hubs == []

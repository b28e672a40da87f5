"""Which frames a process publishes to Redis."""

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
from messenger.gateway.hub import Hub

pytestmark = pytest.mark.redis
GROUP = "chat.publishing"


class Subscriber:
    """A local subscriber that counts in Redis for these groups."""

    def __init__(self, *groups: str) -> None:
        self.groups, self.received = set(groups), []

    def deliver(self, frames: list[Body]) -> None:
        self.received += [frame["text"] for frame in frames]

    def is_subscribed(self, group: str) -> bool:
        return group in self.groups


@pytest.fixture
def subscription() -> Iterator[PubSub]:
    config = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    redis = client(config["hosts"][0]["address"])
    with redis.pubsub(ignore_subscribe_messages=True) as made:
        made.subscribe(f"{config['prefix']}__group__{GROUP}")
        while not redis.pubsub_numsub(*made.channels)[0][1]:
            made.get_message(timeout=0.1)
        yield made


def received(subscription: PubSub, seconds: float) -> str | None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:  # None also stands for an ignored message
        if message := subscription.get_message(timeout=0.1):
            return get_channel_layer().deserialize(message["data"])["text"]
    return None


def test_frame_without_other_subscribers_is_not_published(subscription):
    hub, publisher = Subscriber(GROUP), Publisher()
    publisher.subscribe(hub)
    publisher.put([Frame(GROUP, "own", seq=1)])
    assert (received(subscription, 0.5), hub.received) == (None, ["own"])


def test_frame_that_cannot_be_healed_is_always_published(subscription):
    publisher = Publisher()
    publisher.subscribe(Subscriber(GROUP))
    publisher.put([Frame(GROUP, "a receipt")])
    assert received(subscription, 5) == "a receipt"


def test_frame_for_another_process_is_published(subscription):
    hub, publisher = Subscriber(), Publisher()
    publisher.subscribe(hub)
    publisher.put([Frame(GROUP, "for others too", seq=1), Frame("chat.x", "for nobody", seq=1)])
    assert received(subscription, 5) == "for others too"
    assert hub.received == ["for others too", "for nobody"]


def test_process_without_a_hub_publishes_to_subscribers(subscription):
    Publisher().put([Frame(GROUP, "from a worker", seq=1)])
    assert received(subscription, 5) == "from a worker"


async def test_socket_cancelled_during_first_start_leaves_one_hub_subscribed():
    publisher = Publisher()
    hub = Hub(publisher, settings.SOCKET_HEARTBEAT, 20)
    first = asyncio.create_task(hub.start())
    await asyncio.sleep(0)
    first.cancel()
    await hub.start()
    assert publisher.subscribers == [hub]
    await hub.shutdown()
    assert publisher.subscribers == []

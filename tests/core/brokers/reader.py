"""Reads topics as a group and prints each record as a line of JSON; a separate process."""

from __future__ import annotations

import json
import sys
import time

import django

if __name__ == "__main__":
    django.setup()

    from messenger.core.brokers import BrokerUnavailable, broker

    group, seconds, *topics = sys.argv[1:]
    consumer = broker().subscribe(topics, group)
    print("ready", flush=True)
    until = time.monotonic() + float(seconds)
    while time.monotonic() < until:
        try:
            for one in consumer.poll(100, 0.5):
                line = {"topic": one.topic, "key": one.key, "body": one.body.decode()}
                print(json.dumps(line), flush=True)
            consumer.commit()
        except BrokerUnavailable:
            time.sleep(0.1)
    consumer.close()

"""Encoded JSON is extended without encoding it again."""

from __future__ import annotations

import json

import pytest

from messenger.core.json import array_of, dumps, member, with_first_member, with_last_member

OBJECTS = [{}, {"a": 1}, {"a": {"b": "}"}, "c": [1, 2]}]
VALUES = ["r17", 'a "quoted" \\ text', "\U0001f600", 7, None, ["x"], {"y": 1}]


@pytest.mark.parametrize("value", VALUES, ids=str)
@pytest.mark.parametrize("before", OBJECTS, ids=str)
def test_member_is_added_in_front_and_at_the_end(before, value):
    text, encoded = dumps(before), member("type", value)
    assert with_first_member(text, encoded) == dumps({"type": value, **before})
    assert with_last_member(text, encoded) == dumps({**before, "type": value})


@pytest.mark.parametrize("items", [[], [{"a": 1}], [{"a": 1}, {"b": "],["}]], ids=str)
def test_array_is_made_of_encoded_items(items):
    assert json.loads(array_of(map(dumps, items))) == items

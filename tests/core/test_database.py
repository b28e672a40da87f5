"""The loader of times from PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import DataError, connection
from psycopg.pq import Format

from messenger.core.database import TimestampLoader


def read(text: str, zone: str = "UTC") -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
        cursor.execute("SELECT %s::timestamptz", [text])
        return cursor.fetchone()[0]


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 21, 13, 16, 34, 350437, UTC),
        datetime(2026, 11, 21, 13, 16, 34, 500000, UTC),
        datetime(2026, 11, 21, tzinfo=UTC),
        datetime(1, 1, 2, tzinfo=UTC),
        datetime(1850, 6, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    ],
    ids=str,
)
def test_time_is_loaded_in_utc(moment, zone):
    found = read(moment.isoformat(), zone)
    assert (found, found.tzinfo) == (moment, UTC)


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["infinity", "0044-03-15 12:00:00+00 BC"])
def test_time_outside_of_python_s_range_is_a_data_error(text):
    with pytest.raises(DataError):
        read(text)


@pytest.mark.django_db
def test_loader_is_installed():
    with connection.cursor() as cursor:
        number = cursor.adapters.types["timestamptz"].oid
        assert cursor.adapters.get_loader(number, Format.TEXT) is TimestampLoader

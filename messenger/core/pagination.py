"""The two shapes of lists: numbered pages, and keyset timelines (in `apps.messages`)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from pydantic import Field

from messenger.core.shapes import Input, Output


class PageQuery(Input):
    """`?page=&page_size=`; pages count from 1."""

    page: int = Field(default=1, ge=1, le=1_000_000, description="Number of the page, from 1.")
    page_size: int = Field(default=50, ge=1, le=100, description="Items a page.")


class Page(Output):
    """The envelope of a numbered page; subclasses name the items."""

    total: int = Field(description="Items in all pages.")
    page: int
    page_size: int
    pages: int = Field(description="How many pages there are; 0 when there is nothing.")


def page_of(queryset: QuerySet[Any], query: PageQuery) -> tuple[list[Any], dict[str, int]]:
    """The page's rows and the envelope's numbers, in two queries."""
    total = queryset.count()
    start = (query.page - 1) * query.page_size
    rows = list(queryset[start : start + query.page_size])
    return rows, {
        "total": total,
        "page": query.page,
        "page_size": query.page_size,
        "pages": -(-total // query.page_size),
    }

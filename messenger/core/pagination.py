"""Numbered pages of lists. Timelines use keyset pagination instead."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from pydantic import Field

from messenger.core.shapes import Input, Output


class PageQuery(Input):
    """`?page=&page_size=`; pages count from 1."""

    page: int = Field(default=1, ge=1, le=1_000_000, description="Number of the page, from 1.")
    page_size: int = Field(default=50, ge=1, le=100, description="Items per page.")


class Page(Output):
    """The envelope of a numbered page; subclasses add `items`."""

    total: int = Field(description="Items in all pages.")
    page: int
    page_size: int
    pages: int = Field(description="Number of pages; 0 without items.")


def page_of(queryset: QuerySet[Any], query: PageQuery) -> tuple[list[Any], dict[str, int]]:
    """The rows of a page and the numbers of its envelope, in two queries."""
    total = queryset.count()
    start = (query.page - 1) * query.page_size
    rows = list(queryset[start : start + query.page_size])
    return rows, {
        "total": total,
        "page": query.page,
        "page_size": query.page_size,
        "pages": -(-total // query.page_size),
    }

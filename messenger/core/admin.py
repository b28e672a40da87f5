"""Base classes of the admin, and the admin of the outbox and of failed tasks."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError

from messenger.core.failures import failed_tasks_replay
from messenger.core.json import uuid_or_none
from messenger.core.models import FailedTask, OutboxEvent
from messenger.core.outbox import outbox_retry

admin.site.site_header = admin.site.site_title = admin.site.index_title = settings.SITE_NAME
COUNT_LIMIT = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts at most 10,000 rows, so that lists of large tables stay fast."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        if isinstance(rows, QuerySet):
            return int(rows.order_by()[:COUNT_LIMIT].count())
        return len(rows)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows. Changes are made by actions that call services."""

    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = 50

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """Allow only listed filters. Django's rule would let `?session_key__startswith=a` read
        any column letter by letter, also hidden ones."""
        filters = self.get_list_filter(request)
        offered = [one[0] if isinstance(one, tuple) else one for one in filters]
        return lookup.partition("__")[0] in offered

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    """Domain events. Payloads contain message texts, so they are not shown."""

    list_display = ("id", "event_type", "aggregate_id", "created_at", "published_at", "refusal")
    list_filter = (
        ("published_at", admin.EmptyFieldListFilter),
        ("refusal", admin.EmptyFieldListFilter),
        "event_type",
    )
    actions = ("publish_again",)
    fields = (
        "id",
        "event_id",
        "event_type",
        "topic",
        "aggregate_id",
        "metadata",
        "created_at",
        "published_at",
        "refusal",
    )
    ordering = ("-id",)
    search_fields = ("event_id",)
    search_help_text = "event_id"

    def has_superuser_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    @admin.action(description=_("Try refused events again"), permissions=["superuser"])
    def publish_again(self, request: HttpRequest, queryset: QuerySet[OutboxEvent]) -> None:
        count = outbox_retry(queryset)
        self.message_user(request, _("Events that will be tried again: %d.") % count)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OutboxEvent], search_term: str
    ) -> tuple[QuerySet[OutboxEvent], bool]:
        if not search_term:
            return queryset, False
        event_id = uuid_or_none(search_term.strip())
        return (queryset.filter(event_id=event_id) if event_id else queryset.none()), False


@admin.register(FailedTask)
class FailedTaskAdmin(ReadOnlyAdmin):
    """Failed tasks, for superusers: they can be replayed; arguments are not shown."""

    list_display = ("id", "name", "error", "failed_at", "replayed_at")
    list_filter = (("replayed_at", admin.EmptyFieldListFilter), "name")
    fields = ("id", "task_id", "name", "error", "traceback", "failed_at", "replayed_at")
    ordering = ("-id",)
    actions = ("replay",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    @admin.action(description=_("Run again"), permissions=["view"])
    def replay(self, request: HttpRequest, queryset: QuerySet[FailedTask]) -> None:
        try:
            replayed, skipped = failed_tasks_replay(queryset)
        except OperationalError:
            self.message_user(request, _("The task queue is out of reach."), messages.ERROR)
            return
        self.message_user(
            request,
            _("Tasks queued again: %(replayed)d; left alone: %(skipped)d.")
            % {"replayed": replayed, "skipped": skipped},
        )

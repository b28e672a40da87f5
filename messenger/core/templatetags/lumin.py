"""Template tags of the pages: icons, avatars, names, links, fields, notices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.contrib.messages import get_messages
from django.contrib.messages.storage.base import BaseStorage
from django.forms import BoundField, CheckboxInput, Textarea
from django.forms.widgets import Input, Select
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from messenger.core.catalogue import catalogue_address
from messenger.core.json import dumps
from messenger.core.text_patterns import LINK, MENTION

register = template.Library()
HUES = 12
HIDDEN = mark_safe('aria-hidden="true"')


@register.simple_tag
def icon(name: str, extra: str = "icon", label: str = "") -> SafeString:
    """An icon of the sprite; hidden from screen readers unless it has a `label`."""
    sprite = static("img/icons.svg")
    role = format_html('role="img" aria-label="{}"', label) if label else HIDDEN
    return format_html(
        '<svg class="{}" {}><use href="{}#{}"></use></svg>', extra, role, sprite, name
    )


@register.filter
def hue(value: object) -> int:
    """One of twelve hues for an id; `js/words.js` computes the same."""
    digits = str(value).replace("-", "")[-8:]
    return int(digits, 16) % HUES if digits else 0


@register.filter
def initials(name: str) -> str:
    """Up to two letters of a name, for its avatar."""
    words = re.findall(r"\w+", str(name))
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def name_of(person: Mapping[str, Any] | None) -> str:
    """A person's name on pages."""
    if not person:
        return ""
    if person.get("deleted"):
        return _("Deleted account")
    return str(person["display_name"] or person["username"])


@register.filter
def chat_name(chat: Mapping[str, Any]) -> str:
    """A group's title, or the other person's name."""
    return str(chat["title"]) if chat["kind"] == "group" else name_of(chat["peer"])


@register.inclusion_tag("core/_avatar.html")
def avatar(key: object, name: str, extra: str = "") -> dict[str, Any]:
    """Initials on the hue of `key`; hidden from screen readers, as the name stands beside it."""
    return {"hue": hue(key), "initials": initials(name), "extra": extra}


@register.filter
def linkify(text: str, named: Mapping[str, bool] | None = None) -> SafeString:
    """Escaped text with links for http(s) addresses and for the @names in `named`.

    `named` maps usernames in lower case to whether that is the viewer. `js/words.js` finds the
    same links.
    """
    parts: list[SafeString] = []
    end = 0
    for match in LINK.finditer(text):
        parts += _names(text[end : match.start()], named or {})
        parts.append(
            format_html('<a href="{0}" rel="noopener noreferrer" target="_blank">{0}</a>', match[0])
        )
        end = match.end()
    parts += _names(text[end:], named or {})
    return format_html_join("", "{}", ((part,) for part in parts))


def _names(text: str, named: Mapping[str, bool]) -> list[SafeString]:
    parts: list[SafeString] = []
    end = 0
    for match in MENTION.finditer(text) if named else ():
        name = match[1] if match[1].lower() in named else match[1].rstrip(".")
        is_me = named.get(name.lower())
        if is_me is None:
            continue
        parts.append(escape(text[end : match.start()]))
        address = reverse("chat-new", query={"q": name})
        extra = " mention--me" if is_me else ""
        parts.append(format_html('<a class="mention{}" href="{}">@{}</a>', extra, address, name))
        end = match.start() + 1 + len(name)
    return [*parts, escape(text[end:])]


@register.inclusion_tag("core/_field.html")
def field(bound: BoundField, label: str = "", help_text: str = "") -> dict[str, Any]:
    """A labelled control with its help and errors; `label` and `help_text` replace the form's."""
    widget = bound.field.widget
    is_check = isinstance(widget, CheckboxInput)
    if isinstance(widget, Input | Textarea | Select) and not is_check:
        widget.attrs["class"] = "input"
        widget.attrs.pop("placeholder", None)
    if bound.errors:
        widget.attrs["aria-invalid"] = "true"
    notes = [f"{bound.id_for_label}_errors"] if bound.errors else []
    help_text = help_text or str(bound.help_text)
    if help_text:
        notes.append(f"{bound.id_for_label}_help")
    if notes:
        widget.attrs["aria-describedby"] = " ".join(notes)
    return {
        "field": bound,
        "label": label or bound.label,
        "is_check": is_check,
        "help_text": help_text,
    }


@register.simple_tag(takes_context=True)
def notices(context: template.Context) -> BaseStorage | list[Any]:
    """Notices of the previous request, e.g. "Saved."; each is shown once."""
    request = context.get("request")
    return get_messages(request) if request is not None else []


@register.simple_tag
def catalogue() -> SafeString:
    """The scripts' translations: a classic script, so that it runs before every module."""
    return format_html('<script src="{}"></script>', catalogue_address())


@register.simple_tag(takes_context=True)
def importmap(context: template.Context) -> SafeString:
    """Maps module names to hashed files, so that a page never mixes two releases."""
    request = context["request"]
    modules = {static(f"js/{name}"): static(f"js/{name}") for name in _modules()}
    plain = {f"{settings.STATIC_URL}js/{name}": static(f"js/{name}") for name in _modules()}
    if plain == modules:
        return mark_safe("")
    return format_html(
        '<script type="importmap" nonce="{}">{}</script>',
        request.csp_nonce,
        mark_safe(dumps({"imports": plain})),  # noqa: S308  # our own file names
    )


@cache
def _modules() -> list[str]:
    return sorted(path.name for path in Path(settings.BASE_DIR, "static", "js").glob("*.js"))


@register.filter
def list_time(moment: datetime) -> str:
    """A moment in the chat list: the time today, the weekday this week, else the date."""
    at, today = timezone.localtime(moment), timezone.localdate()
    if at.date() == today:
        return date_format(at, "H:i")
    if at.date() > today - timedelta(days=7):
        return date_format(at, "D")
    return date_format(at, "j M" if at.year == today.year else "d.m.y")

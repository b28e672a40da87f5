"""Compilation of translation catalogues."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

from messenger.local.translations import compile_translations

CATALOGUE = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "Chats"
msgstr "Чаты"
"""


def test_catalogue_is_compiled_when_it_is_newer_than_its_output(tmp_path: Path) -> None:
    folder = tmp_path / "locale" / "ru" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = folder / "django.po"
    source.write_text(CATALOGUE, encoding="utf-8")
    result = folder / "django.mo"

    assert compile_translations(tmp_path) == [result]
    russian = gettext.translation("django", tmp_path / "locale", ["ru"])
    assert russian.gettext("Chats") == "Чаты"
    assert compile_translations(tmp_path) == []

    newer = result.stat().st_mtime + 5
    os.utime(source, (newer, newer))
    assert compile_translations(tmp_path) == [result]
    assert sorted(path.name for path in folder.iterdir()) == ["django.mo", "django.po"]

"""Everything that can be translated is, in Russian, and nothing is a guess."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import call_command
from django.utils import translation
from django.utils.translation import gettext, ngettext

CATALOGUE = Path(settings.BASE_DIR) / "locale/ru/LC_MESSAGES/django.po"
PLACES = ("apps", "messenger", "templates")
FIELD = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")


def catalogue(path: Path = CATALOGUE):
    with path.open("rb") as text:
        return read_po(text, locale="ru")


def texts(entry) -> tuple[str, ...]:
    return entry.string if isinstance(entry.string, tuple) else (entry.string,)


def test_every_entry_has_a_russian_text_with_the_same_fields():
    for entry in catalogue():
        if not entry.id:
            continue
        source = entry.id[0] if isinstance(entry.id, tuple) else entry.id
        assert not entry.fuzzy, source
        for text in texts(entry):
            assert text, source
            assert sorted(FIELD.findall(text)) == sorted(FIELD.findall(source)), source


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="gettext's tools are not installed")
def test_the_catalogue_holds_every_string_of_templates_and_code(tmp_path, monkeypatch):
    for place in PLACES:
        shutil.copytree(Path(settings.BASE_DIR) / place, tmp_path / place)
    (tmp_path / "locale").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "LOCALE_PATHS", [tmp_path / "locale"])
    call_command("makemessages", locale=["ru"], no_location=True, verbosity=0)
    found = catalogue(tmp_path / "locale/ru/LC_MESSAGES/django.po")
    assert len(found) > 300
    known = {entry.id for entry in catalogue()}
    assert {entry.id for entry in found if entry.id} - known == set()


def test_russian_counts_as_russian_does():
    with translation.override("ru"):
        assert gettext("Sign in") == "Войти"
        said = [ngettext("%(n)s member", "%(n)s members", n) % {"n": n} for n in (1, 3, 5, 21)]
    assert said == ["1 участник", "3 участника", "5 участников", "21 участник"]

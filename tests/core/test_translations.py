"""Every text of pages, code and scripts has a Russian translation, and no translation is stale."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import call_command
from django.utils import translation
from django.utils.translation import gettext, ngettext

from messenger.core.catalogue import catalogue_address

CATALOGUES = Path(settings.BASE_DIR) / "locale/ru/LC_MESSAGES"
# Where the texts of each catalogue are: templates and Python code, or scripts.
SOURCES = {"django": ("apps", "messenger", "templates"), "djangojs": ("static",)}
FIELD = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")


def catalogue(path: Path):
    with path.open("rb") as text:
        return read_po(text, locale="ru")


def texts(entry) -> tuple[str, ...]:
    return entry.string if isinstance(entry.string, tuple) else (entry.string,)


@pytest.mark.parametrize("domain", SOURCES)
def test_every_entry_has_a_russian_text_with_the_same_placeholders(domain):
    entries = [entry for entry in catalogue(CATALOGUES / f"{domain}.po") if entry.id]
    assert len(entries) > 30
    for entry in entries:
        source = entry.id[0] if isinstance(entry.id, tuple) else entry.id
        assert not entry.fuzzy, source
        for text in texts(entry):
            assert text, source
            assert sorted(FIELD.findall(text)) == sorted(FIELD.findall(source)), source


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="gettext's tools are not installed")
@pytest.mark.parametrize("domain", SOURCES)
def test_the_catalogue_holds_exactly_the_texts_of_the_sources(domain, tmp_path, monkeypatch):
    for place in SOURCES[domain]:
        shutil.copytree(Path(settings.BASE_DIR) / place, tmp_path / place)
    (tmp_path / "locale").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "LOCALE_PATHS", [tmp_path / "locale"])
    call_command("makemessages", locale=["ru"], domain=domain, no_location=True, verbosity=0)
    found = catalogue(tmp_path / f"locale/ru/LC_MESSAGES/{domain}.po")
    known = catalogue(CATALOGUES / f"{domain}.po")
    assert {entry.id for entry in found} == {entry.id for entry in known}


def test_the_scripts_catalogue_is_served_in_its_language_and_cached(client):
    with translation.override("ru"):
        address = catalogue_address()
    answer = client.get(address, headers={"accept-language": "en"})
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert "immutable" in answer["Cache-Control"]
    script = answer.content.decode()
    start = script.index("{", script.index("const newcatalog"))
    found, _ = json.JSONDecoder().raw_decode(script[start:])
    sources = {entry.id for entry in catalogue(CATALOGUES / "djangojs.po") if entry.id}
    assert found.keys() == {one[0] if isinstance(one, tuple) else one for one in sources}
    assert found["Delete this message?"] == "Удалить это сообщение?"


def test_an_outdated_catalogue_is_not_kept_and_an_unknown_one_is_missing(client):
    assert client.get("/jsi18n/ru/0123456789ab/")["Cache-Control"] == "no-cache"
    assert client.get("/jsi18n/xx/0123456789ab/").status_code == 404


def test_russian_plural_forms_are_complete():
    with translation.override("ru"):
        assert gettext("Sign in") == "Войти"
        said = [ngettext("%(n)s member", "%(n)s members", n) % {"n": n} for n in (1, 3, 5, 21)]
    assert said == ["1 участник", "3 участника", "5 участников", "21 участник"]

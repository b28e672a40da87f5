"""`python -m messenger.gateway.docs` writes the documents of the protocol and the events."""

from __future__ import annotations

import os

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "messenger.settings.dev")
    django.setup()

    from messenger.gateway.docs import documents

    for path, text in documents().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

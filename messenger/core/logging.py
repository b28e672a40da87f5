"""Logging: one JSON object per line on stdout, without texts, tokens or e-mail addresses."""

from __future__ import annotations

import logging
import logging.config
from typing import Any

import structlog
from structlog.types import EventDict, WrappedLogger

from messenger.core.json import dumps

SERVICE = "messenger"


def configure(config: dict[str, Any]) -> None:
    """Django's `LOGGING_CONFIG` hook; `config` is `{"level": NAME}`."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _describe_service,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.EventRenamer("message"),
                        structlog.processors.JSONRenderer(
                            serializer=lambda value, **_: dumps(_plain(value))
                        ),
                    ],
                },
            },
            "handlers": {"stdout": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stdout"], "level": config["level"]},
            "loggers": {
                # The request middleware logs each request once.
                "django.server": {"level": "WARNING"},
                "django.request": {"level": "ERROR"},
                "django.channels.server": {"level": "WARNING"},
                "daphne": {"level": "WARNING"},
                # Logs each attempt while the database is unavailable; the requests log it anyway.
                "psycopg.pool": {"level": "ERROR"},
            },
        }
    )


def _describe_service(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    from messenger import __version__

    event["service"] = SERVICE
    event["version"] = __version__
    return event


def _plain(event: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value if isinstance(value, str | int | float | bool | None) else str(value)
        for key, value in event.items()
    }

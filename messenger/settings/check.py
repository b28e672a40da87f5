"""Settings of `make check`: those of the tests, and the linter for migrations."""

from .base import INSTALLED_APPS
from .test import *

INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]
LOG_LEVEL = "WARNING"
LOGGING = {"level": LOG_LEVEL}

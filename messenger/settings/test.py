"""The suite: real PostgreSQL and Redis, cheap password hashes, mails kept in memory."""

from .dev import *

SECRET_KEY = "tests-only-a-key-of-sufficient-length-for-hmac-sha256"  # noqa: S105
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

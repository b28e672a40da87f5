"""Tests: real PostgreSQL and Redis, fast password hashes, mails in memory."""

from .dev import *

SECRET_KEY = "tests-only-a-key-of-sufficient-length-for-hmac-sha256"  # noqa: S105
VAPID_PRIVATE_KEY = "bm90LWEtc2VjcmV0LWtleS1mb3ItdGVzdHMtb25seSE"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

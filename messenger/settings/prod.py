"""Production. Refuses to start with a missing or default secret."""

from django.core.exceptions import ImproperlyConfigured

from .base import *
from .base import ALLOWED_HOSTS, OUTBOUND_ALLOW_PRIVATE, SECRET_KEY, env

if len(SECRET_KEY) < 32 or "laptop-only" in SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY must be set to a random string of 32 or more characters")
if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts this site answers for")
if env.bool("DEBUG", default=False):
    raise ImproperlyConfigured("DEBUG must be off in production")
if OUTBOUND_ALLOW_PRIVATE:
    raise ImproperlyConfigured("OUTBOUND_ALLOW_PRIVATE is for tests on one machine")

PUBLIC_URL = env.str("PUBLIC_URL", default=f"https://{ALLOWED_HOSTS[0].lstrip('.')}").rstrip("/")
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

"""Settings of all environments. Values that differ between hosts are environment variables."""

from email.utils import parseaddr
from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")  # environment variables win over the file

SITE_NAME = "Lumin"
DEBUG = False
SECRET_KEY = env.str("SECRET_KEY", default="")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "apps.accounts",
    "apps.chats",
    "apps.messages",
    "messenger.core",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "channels",
    "corsheaders",
    "csp",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
]

MIDDLEWARE = [
    "messenger.core.middleware.RequestIdMiddleware",
    "messenger.core.middleware.TrailingSlashMiddleware",
    "messenger.core.middleware.ProblemMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "messenger.core.middleware.CharsetMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.middleware.LoginSessionMiddleware",
    "messenger.core.user_locale.UserLocaleMiddleware",
    "messenger.core.permissions.AccessMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "messenger.urls"
ASGI_APPLICATION = "messenger.asgi.application"
WSGI_APPLICATION = "messenger.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "messenger.core.context.site",
            ],
        },
    },
]

# --- PostgreSQL -------------------------------------------------------------------------------
# Threads share a pool; a request holds one connection until its end.
DATABASES = {"default": env.db("DATABASE_URL", default="postgres://messenger@localhost/messenger")}
DATABASES["default"].update(
    CONN_MAX_AGE=0,
    OPTIONS={
        **DATABASES["default"].get("OPTIONS", {}),
        "pool": {
            "min_size": 2,
            "max_size": env.int("DATABASE_POOL_SIZE", default=16),
            "timeout": 10,
        },
    },
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: live frames, rate limits and the task queue; everything lasting is in PostgreSQL ---
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
REDIS_TIMEOUT = 0.3  # seconds; then the circuit breaker opens
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [
                {
                    "address": address,
                    "socket_connect_timeout": REDIS_TIMEOUT,
                    "socket_timeout": 5,
                    "health_check_interval": 10,
                }
                for address in env.list("CHANNEL_LAYER_URLS", default=[REDIS_URL])
            ],
            "prefix": "messenger",
        },
    },
}

# --- People -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 30 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "messenger.core.pages.csrf_failed"
CSRF_COOKIE_SAMESITE = "Lax"

EMAIL_VERIFICATION = env.str("EMAIL_VERIFICATION", default="mandatory")
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = EMAIL_VERIFICATION
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_PRESERVE_USERNAME_CASING = True
ACCOUNT_USERNAME_VALIDATORS = "apps.accounts.models.username_validators"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
# A stolen cookie must not suffice to add an address and have a password mail sent to it.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# Trusted proxies, each of which appends to X-Forwarded-For; 0: the peer is the client.
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = SITE_NAME
MFA_FORMS = {
    "authenticate": "apps.accounts.forms.AuthenticateForm",
    "reauthenticate": "apps.accounts.forms.ReauthenticateForm",
}

ACCESS_TOKEN_LIFETIME = 15 * 60  # seconds
REFRESH_TOKEN_LIFETIME = 30 * 24 * 3600
REFRESH_RETRY_WINDOW = 10  # seconds in which a repeated refresh gets the same answer

DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Lumin <no-reply@localhost>")
vars().update(env.email("EMAIL_URL", default="smtp://localhost:25"))
EMAIL_TIMEOUT = 10

# --- Notifications: pushes and mails ----------------------------------------------------------
# The address of this site, for links in mails that are sent outside a request.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000").rstrip("/")
# Web Push (RFC 8292): the signing key, 32 bytes in base64url; without it nothing is pushed. Do not
# change it: subscriptions are bound to it.
VAPID_PRIVATE_KEY = env.str("VAPID_PRIVATE_KEY", default="")
VAPID_CONTACT = env.str("VAPID_CONTACT", default=f"mailto:{parseaddr(DEFAULT_FROM_EMAIL)[1]}")
# Allow pushes to plain http and to private addresses; for tests on one machine only.
OUTBOUND_ALLOW_PRIVATE = env.bool("OUTBOUND_ALLOW_PRIVATE", default=False)
DIGEST_AFTER = env.int("DIGEST_AFTER", default=15 * 60)  # seconds unread before a mail is sent
DIGEST_PAUSE = env.int("DIGEST_PAUSE", default=8 * 3600)  # seconds between two mails to one person

# --- REST -------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.BearerAuthentication",
        "apps.accounts.authentication.CookieAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["messenger.core.permissions.TablePermission"],
    "DEFAULT_PARSER_CLASSES": ["messenger.core.parsers.GuardedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["messenger.core.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "messenger.core.schema.ApiSchema",
    "EXCEPTION_HANDLER": "messenger.core.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": f"{SITE_NAME} API",
    "DESCRIPTION": (
        "The REST API of the messenger. The WebSocket at `/ws` uses the same shapes. "
        "Errors are `application/problem+json` (RFC 9457) everywhere."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": False,
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "POSTPROCESSING_HOOKS": [],
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
}
API_DOCS_ENABLED = env.bool("API_DOCS_ENABLED", default=True)
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/.*$"
CORS_EXPOSE_HEADERS = ["X-Request-ID", "X-Response-Time", "Retry-After"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Limits -----------------------------------------------------------------------------------
# Name: (burst, tokens per second); what each counts is in messenger/core/limits.py. LIMITS_SCALE
# multiplies both; load tests raise it.
LIMITS_SCALE = env.float("LIMITS_SCALE", default=1)
RATE_LIMITS: dict[str, tuple[float, float]] = {
    "messages": (20, 5),
    "api": (120, 20),
    "login_address": (20, 20 / 300),
    "login_account": (10, 10 / 300),
    "register": (20, 20 / 3600),
    "chats": (60, 60 / 3600),  # new chats
    "mail": (5, 5 / 3600),
    "mail_address": (20, 20 / 3600),
    "search": (30, 3),
    "refresh": (120, 5),
    "typing": (1, 1 / 3),
    "bad_frames": (20, 20 / 60),
    "frames": (500, 100),  # frames of any type
}
MESSAGE_TEXT_LIMIT = 5000
MESSAGE_EDIT_WINDOW = env.int("MESSAGE_EDIT_WINDOW", default=48 * 3600)  # seconds
GROUP_SIZE_LIMIT = 1000
# Participants up to which a chat broadcasts receipts, presence and typing.
RECEIPTS_LIVE_LIMIT = 100
SOCKET_FRAME_LIMIT = 64 * 1024
SOCKET_HEARTBEAT = {  # seconds
    "interval": env.int("SOCKET_HEARTBEAT_INTERVAL", default=25),
    "timeout": env.int("SOCKET_HEARTBEAT_TIMEOUT", default=60),
}
SOCKET_CONNECTIONS_PER_USER = 20

# --- Message broker ---------------------------------------------------------------------------
# redis (streams), kafka, rabbitmq, or none.
EVENT_BROKER_TYPE = env.str("EVENT_BROKER_TYPE", default="redis")
EVENT_REDIS_URL = env.str("EVENT_REDIS_URL", default=REDIS_URL)
EVENT_STREAM_LENGTH = env.int("EVENT_STREAM_LENGTH", default=100_000)  # approximate; per topic
OUTBOX_RETENTION = env.int("OUTBOX_RETENTION", default=7 * 24 * 3600)  # seconds
KAFKA_BOOTSTRAP_SERVERS = env.str("KAFKA_BOOTSTRAP_SERVERS", default="localhost:9092")
RABBITMQ_URL = env.str("RABBITMQ_URL", default="amqp://guest:guest@localhost:5672//")

# --- Celery -----------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 200
CELERY_TASK_TIME_LIMIT = 240
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_PRIORITY = 5  # 0 is first
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Seconds until unacknowledged tasks are delivered again: more than the longest task and the
    # longest pause before a retry (messenger/celery.py).
    "visibility_timeout": 300,
    # Enqueuing fails at once while Redis is unavailable.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_BEAT_SCHEDULE_FILENAME = str(
    Path(env.str("MESSENGER_DATA", default=str(BASE_DIR / "var"))) / "celerybeat-schedule"
)
CELERY_BEAT_SCHEDULE = {
    "core-sweep-outbox": {
        "task": "core.sweep_outbox",
        "schedule": 5.0,
        # A late run is superfluous; none waits behind other tasks.
        "options": {"expires": 5.0, "priority": 0},
    },
    "core-prune": {"task": "core.prune", "schedule": 3600.0},
    "accounts-prune-sessions": {"task": "accounts.prune_sessions", "schedule": 3600.0},
    "accounts-prune-notifications": {"task": "accounts.prune_notifications", "schedule": 3600.0},
    "messages-prune-handled-commands": {
        "task": "messages.prune_handled_commands",
        "schedule": 3600.0,
    },
    "messages-send-digests": {"task": "messages.send_digests", "schedule": 300.0},
}

# --- Language, time, files --------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ru", _("Russian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = False

# --- Headers ----------------------------------------------------------------------------------
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# --- Monitoring -------------------------------------------------------------------------------
# The bearer token for /metrics; empty: local callers only.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING_CONFIG = "messenger.core.logging.configure"
LOGGING = {"level": LOG_LEVEL}
# A case-insensitive index makes usernames unique; the check does not recognise it.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
PERMISSION_TABLE = "messenger.permission_table.ROUTES"

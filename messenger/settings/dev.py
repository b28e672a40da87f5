"""Local start: embedded services, mails on the console, static files from the source tree."""

import warnings

from .base import *
from .base import env

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="laptop-only-never-in-production")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])
EMAIL_VERIFICATION = env.str("EMAIL_VERIFICATION", default="optional")
ACCOUNT_EMAIL_VERIFICATION = EMAIL_VERIFICATION
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://localhost:{env.int('PORT', default=8000)}")
vars().update(env.email("EMAIL_URL", default="consolemail://"))
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True  # passkeys on http://localhost
WHITENOISE_USE_FINDERS = True
warnings.filterwarnings(
    "ignore", "No directory at"
)  # WhiteNoise: there are no collected files here
WHITENOISE_AUTOREFRESH = True  # changed files are served at once

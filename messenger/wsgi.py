"""The WSGI entry for REST and pages; `/ws` needs `messenger.asgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "messenger.settings.prod")

application = get_wsgi_application()

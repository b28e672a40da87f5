"""The ASGI entry: HTTP to Django, `/ws` to the gateway."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "messenger.settings.dev")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()  # before anything that imports models

from channels.routing import ProtocolTypeRouter

from messenger.gateway.consumer import websocket_application

application = ProtocolTypeRouter({"http": django_application, "websocket": websocket_application})

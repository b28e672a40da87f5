"""All HTTP routes."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from messenger.core import health, metrics

urlpatterns = [
    path("health", health.health, name="health"),
    path("health/ready", health.ready, name="ready"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/v1/", include(("messenger.api_urls", "api"))),
    path("admin/", admin.site.urls),
    path("", include("messenger.core.page_urls")),
    path("", include("apps.accounts.page_urls")),
    path("", include("apps.messages.page_urls")),
]
if settings.API_DOCS_ENABLED:
    urlpatterns = [
        path("api/schema", SpectacularAPIView.as_view(), name="schema"),
        path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
        *urlpatterns,
    ]

handler404 = "messenger.core.pages.not_found"
handler500 = "messenger.core.pages.server_error"
handler403 = "messenger.core.pages.forbidden"
handler429 = "messenger.core.pages.too_fast"  # allauth's rate limits
handler400 = "messenger.core.pages.bad_request"

"""Routes that every page uses: appearance, language, and the scripts' translations."""

from django.urls import path
from django.views.i18n import set_language

from messenger.core.catalogue import catalogue
from messenger.core.pages import theme

urlpatterns = [
    path("theme/", theme, name="theme"),
    path("jsi18n/<str:language>/<str:version>/", catalogue, name="jsi18n"),
    path("language/", set_language, name="language"),
]

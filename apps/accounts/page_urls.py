"""The pages of accounts: allauth's (account and second factor) and the settings."""

from django.contrib.auth.decorators import login_required
from django.urls import include, path

from apps.accounts import pages

urlpatterns = [
    path("accounts/email/", login_required(pages.EmailView.as_view()), name="account_email"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("settings/profile/", pages.profile, name="settings_profile"),
    path("settings/notifications/", pages.notifications, name="settings_notifications"),
    path("unsubscribe/<str:token>/", pages.unsubscribe, name="unsubscribe"),
    path("settings/blocks/", pages.blocks, name="settings_blocks"),
    path("settings/blocks/remove/", pages.block_remove, name="block-remove"),
    path("settings/devices/", pages.devices, name="settings_devices"),
]

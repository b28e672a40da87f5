"""Routes of account pages: allauth's (account, second factor), the settings, the service worker."""

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
    path("settings/devices/sign-out/", pages.device_sign_out, name="device-sign-out"),
    path("settings/devices/sign-out-others/", pages.devices_sign_out, name="devices-sign-out"),
    path("sw.js", pages.service_worker, name="service-worker"),
]

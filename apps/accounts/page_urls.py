"""The pages of accounts: allauth's (account and second factor) and the settings."""

from django.urls import include, path

from apps.accounts import pages

urlpatterns = [
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("settings/profile/", pages.profile, name="settings_profile"),
    path("settings/devices/", pages.devices, name="settings_devices"),
]

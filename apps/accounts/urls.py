"""REST routes of accounts; a trailing slash is taken off before they are matched."""

from django.urls import path

from apps.accounts.views import away, entrance, people, security

urlpatterns = [
    path("auth/register", entrance.RegisterView.as_view(), name="auth-register"),
    path("auth/login", entrance.LoginView.as_view(), name="auth-login"),
    path("auth/refresh", entrance.RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout", entrance.LogoutView.as_view(), name="auth-logout"),
    path(
        "auth/password/change", security.PasswordChangeView.as_view(), name="auth-password-change"
    ),
    path("auth/password/reset", security.PasswordResetView.as_view(), name="auth-password-reset"),
    path(
        "auth/password/reset/confirm",
        security.PasswordResetConfirmView.as_view(),
        name="auth-password-reset-confirm",
    ),
    path("auth/email/confirm", entrance.EmailConfirmView.as_view(), name="auth-email-confirm"),
    path("auth/sessions", security.SessionsView.as_view(), name="auth-sessions"),
    path("auth/sessions/<id:session_id>", security.SessionView.as_view(), name="auth-session"),
    path("devices", away.DevicesView.as_view(), name="devices"),
    path("devices/<id:device_id>", away.DeviceView.as_view(), name="device"),
    path("notifications", away.NotificationsView.as_view(), name="notifications"),
    path("notifications/read", away.NotificationsReadView.as_view(), name="notifications-read"),
    path("users/me", people.MeView.as_view(), name="me"),
    path("users/me/blocks", people.BlocksView.as_view(), name="blocks"),
    path("users", people.PeopleView.as_view(), name="people"),
    path("users/<id:user_id>", people.PersonView.as_view(), name="person"),
    path("users/<id:user_id>/block", people.BlockView.as_view(), name="block"),
]

"""REST routes of accounts. Middleware removes a trailing slash before they are matched."""

from django.urls import path

from apps.accounts.views import notifications, people, security, sign_in

urlpatterns = [
    path("auth/register", sign_in.RegisterView.as_view(), name="auth-register"),
    path("auth/login", sign_in.LoginView.as_view(), name="auth-login"),
    path("auth/refresh", sign_in.RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout", sign_in.LogoutView.as_view(), name="auth-logout"),
    path(
        "auth/password/change", security.PasswordChangeView.as_view(), name="auth-password-change"
    ),
    path("auth/password/reset", security.PasswordResetView.as_view(), name="auth-password-reset"),
    path(
        "auth/password/reset/confirm",
        security.PasswordResetConfirmView.as_view(),
        name="auth-password-reset-confirm",
    ),
    path("auth/email/confirm", sign_in.EmailConfirmView.as_view(), name="auth-email-confirm"),
    path("auth/sessions", security.SessionsView.as_view(), name="auth-sessions"),
    path("auth/sessions/<id:session_id>", security.SessionView.as_view(), name="auth-session"),
    path("devices", notifications.DevicesView.as_view(), name="devices"),
    path("devices/<id:device_id>", notifications.DeviceView.as_view(), name="device"),
    path("notifications", notifications.NotificationsView.as_view(), name="notifications"),
    path(
        "notifications/read",
        notifications.NotificationsReadView.as_view(),
        name="notifications-read",
    ),
    path("users/me", people.MeView.as_view(), name="me"),
    path("users/me/blocks", people.BlocksView.as_view(), name="blocks"),
    path("users", people.PeopleView.as_view(), name="people"),
    path("users/<id:user_id>", people.PersonView.as_view(), name="person"),
    path("users/<id:user_id>/block", people.BlockView.as_view(), name="block"),
]

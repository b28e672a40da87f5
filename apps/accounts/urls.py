"""REST routes of accounts; a trailing slash is taken off before they are matched."""

from django.urls import path

from apps.accounts import views

urlpatterns = [
    path("auth/register", views.RegisterView.as_view(), name="auth-register"),
    path("auth/login", views.LoginView.as_view(), name="auth-login"),
    path("auth/refresh", views.RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout", views.LogoutView.as_view(), name="auth-logout"),
    path("auth/password/change", views.PasswordChangeView.as_view(), name="auth-password-change"),
    path("auth/password/reset", views.PasswordResetView.as_view(), name="auth-password-reset"),
    path(
        "auth/password/reset/confirm",
        views.PasswordResetConfirmView.as_view(),
        name="auth-password-reset-confirm",
    ),
    path("auth/email/confirm", views.EmailConfirmView.as_view(), name="auth-email-confirm"),
    path("auth/sessions", views.SessionsView.as_view(), name="auth-sessions"),
    path("auth/sessions/<uuid:session_id>", views.SessionView.as_view(), name="auth-session"),
    path("users/me", views.MeView.as_view(), name="me"),
    path("users", views.PeopleView.as_view(), name="people"),
    path("users/<uuid:user_id>", views.PersonView.as_view(), name="person"),
]

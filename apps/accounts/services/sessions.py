"""Login sessions: open, refresh, revoke, prune."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from apps.accounts import rules, tokens
from apps.accounts.errors import RefreshReused, SessionNotFound
from apps.accounts.models import Device, LoginSession
from apps.accounts.selectors import access_login_session, rights_of
from messenger.core import live

SEEN_EVERY = timedelta(minutes=1)
RETENTION = timedelta(days=30)
PRUNE_BATCH = 1000


def session_open(
    *, user_id: UUID, kind: str, user_agent: str, ip_address: str, session_key: str = ""
) -> LoginSession:
    """Store a sign-in on one device; sessions of apps get the `jti` of a first refresh token."""
    now = timezone.now()
    is_app = kind == LoginSession.Kind.API
    lifetime = settings.REFRESH_TOKEN_LIFETIME if is_app else settings.SESSION_COOKIE_AGE
    return LoginSession.objects.create(
        user_id=user_id,
        kind=kind,
        session_key=session_key,
        refresh_jti=uuid4() if is_app else None,
        rotated_at=now if is_app else None,
        user_agent=user_agent.replace("\x00", "")[:300],
        ip_address=ip_address or None,
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(seconds=lifetime),
    )


def session_refresh(*, refresh: str) -> tokens.TokenPair:
    """Exchange a refresh token for the next pair.

    For `REFRESH_RETRY_WINDOW` seconds the previous token gets the current pair again, because the
    client may have lost the answer. Any other reuse means theft, so the session is revoked.
    Raises `InvalidToken`, `SessionEnded`, `RefreshReused`.
    """
    claims = tokens.read_refresh(refresh)
    with transaction.atomic():
        session = access_login_session(claims.session_id)
        use = rules.refresh_use(
            session,
            claims.jti,
            now=timezone.now(),
            retry_window=settings.REFRESH_RETRY_WINDOW,
        )
        if use is rules.Refresh.REUSE:
            sessions_revoke(
                user_id=session.user_id, session_ids=[session.id], reason="refresh_reuse"
            )
        elif use is rules.Refresh.ROTATE:
            _rotate(session)
    # Raised after the commit, which it would otherwise undo.
    if use is rules.Refresh.REUSE:
        raise RefreshReused
    return tokens.write_pair(session, session.user, rights_of(session.user))


def _rotate(session: LoginSession) -> None:
    now = timezone.now()
    session.previous_jti, session.refresh_jti = session.refresh_jti, uuid4()
    session.rotated_at = session.last_seen_at = now
    session.expires_at = now + timedelta(seconds=settings.REFRESH_TOKEN_LIFETIME)
    session.save(
        update_fields=["previous_jti", "refresh_jti", "rotated_at", "last_seen_at", "expires_at"]
    )


def session_touch(session: LoginSession) -> None:
    """Store that the session was used now, at most once a minute."""
    now = timezone.now()
    if now - session.last_seen_at >= SEEN_EVERY:
        LoginSession.objects.filter(id=session.id).update(last_seen_at=now)


def session_revoke(*, user_id: UUID, session_id: UUID, reason: str = "revoked") -> None:
    """End an active session of this user. Raises `SessionNotFound`."""
    if not sessions_revoke(user_id=user_id, session_ids=[session_id], reason=reason):
        raise SessionNotFound


def sessions_revoke(
    *,
    user_id: UUID,
    reason: str,
    session_ids: Collection[UUID] | None = None,
    except_id: UUID | None = None,
) -> int:
    """End the user's sessions: all, or those of `session_ids`; never `except_id`.

    From the commit on, tokens and cookies are invalid, and devices receive no pushes; open sockets
    are closed. Returns the number of ended sessions.
    """
    with transaction.atomic():
        active = LoginSession.objects.filter(user_id=user_id, revoked_at=None)
        if session_ids is not None:
            active = active.filter(id__in=session_ids)
        if except_id is not None:
            active = active.exclude(id=except_id)
        rows = list(active.order_by("id").select_for_update())
        ended = [row.id for row in rows]
        # On the database's clock, because web processes query the sessions of the last seconds.
        LoginSession.objects.filter(id__in=ended).update(revoked_at=Now(), revoke_reason=reason)
        Device.objects.filter(session_id__in=ended).delete()
        Session.objects.filter(
            session_key__in=[row.session_key for row in rows if row.session_key]
        ).delete()
        live.push(
            live.Frame(
                group=live.user_group(user_id),
                control={"op": "close", "sid": str(session_id), "reason": reason},
            )
            for session_id in ended
        )
    return len(ended)


def session_logout(*, refresh: str) -> None:
    """End the session of a refresh token, even a used one. Raises `InvalidToken`."""
    claims = tokens.read_refresh(refresh)
    session = LoginSession.objects.filter(id=claims.session_id).first()
    if session is not None:
        sessions_revoke(user_id=session.user_id, session_ids=[session.id], reason="logout")


def sessions_prune() -> int:
    """Delete sessions that ended over 30 days ago, and Django's expired ones, in batches."""
    limit = timezone.now() - RETENTION
    over = LoginSession.objects.filter(Q(expires_at__lt=limit) | Q(revoked_at__lt=limit))
    pruned = 0
    while ids := list(over.values_list("id", flat=True)[:PRUNE_BATCH]):
        pruned += LoginSession.objects.filter(id__in=ids).delete()[0]
    stale = Session.objects.filter(expire_date__lt=timezone.now())
    while keys := list(stale.values_list("session_key", flat=True)[:PRUNE_BATCH]):
        pruned += Session.objects.filter(session_key__in=keys).delete()[0]
    return pruned

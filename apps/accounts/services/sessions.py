"""Login sessions: opened, refreshed, seen, revoked, pruned."""

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
KEPT_FOR = timedelta(days=30)
PRUNE_BATCH = 1000


def session_open(
    *, user_id: UUID, kind: str, user_agent: str, ip_address: str, session_key: str = ""
) -> LoginSession:
    """Store a sign-in on one device; an app's gets its first refresh token's `jti`."""
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

    The token before the current one gets the current pair again for `REFRESH_RETRY_WINDOW`
    seconds: the client may not have seen the answer. Anything else was stolen or lost: the
    whole session is revoked. Raises `InvalidToken`, `SessionEnded`, `RefreshReused`.
    """
    claims = tokens.read_refresh(refresh)
    with transaction.atomic():
        session = access_login_session(claims.session_id)
        worth = rules.refresh_worth(
            session,
            claims.jti,
            now=timezone.now(),
            retry_window=settings.REFRESH_RETRY_WINDOW,
        )
        if worth is rules.Refresh.REUSE:
            sessions_revoke(
                user_id=session.user_id, session_ids=[session.id], reason="refresh_reuse"
            )
        elif worth is rules.Refresh.ROTATE:
            _rotate(session)
    # Only now: raised inside, the error would undo the revocation.
    if worth is rules.Refresh.REUSE:
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
    """Note that the session was seen now, at most once a minute."""
    now = timezone.now()
    if now - session.last_seen_at >= SEEN_EVERY:
        LoginSession.objects.filter(id=session.id).update(last_seen_at=now)


def session_revoke(*, user_id: UUID, session_id: UUID, reason: str = "revoked") -> None:
    """End one of the person's own living sessions; raises `SessionNotFound`."""
    if not sessions_revoke(user_id=user_id, session_ids=[session_id], reason=reason):
        raise SessionNotFound


def sessions_revoke(
    *,
    user_id: UUID,
    reason: str,
    session_ids: Collection[UUID] | None = None,
    except_id: UUID | None = None,
) -> int:
    """End the person's sessions: all, or those in `session_ids`; never `except_id`.

    Tokens and cookies stop working with the commit, and no push reaches their devices; open
    sockets are told to close. Returns how many ended.
    """
    with transaction.atomic():
        living = LoginSession.objects.filter(user_id=user_id, revoked_at=None)
        if session_ids is not None:
            living = living.filter(id__in=session_ids)
        if except_id is not None:
            living = living.exclude(id=except_id)
        rows = list(living.order_by("id").select_for_update())
        ended = [row.id for row in rows]
        # The database's clock: every web process asks it for what ended within the last seconds.
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
    """End the session of a refresh token, whatever its turn; raises `InvalidToken`."""
    claims = tokens.read_refresh(refresh)
    session = LoginSession.objects.filter(id=claims.session_id).first()
    if session is not None:
        sessions_revoke(user_id=session.user_id, session_ids=[session.id], reason="logout")


def sessions_prune() -> int:
    """Delete sessions that ended over 30 days ago, and Django's expired ones, in batches."""
    limit = timezone.now() - KEPT_FOR
    over = LoginSession.objects.filter(Q(expires_at__lt=limit) | Q(revoked_at__lt=limit))
    pruned = 0
    while ids := list(over.values_list("id", flat=True)[:PRUNE_BATCH]):
        pruned += LoginSession.objects.filter(id__in=ids).delete()[0]
    stale = Session.objects.filter(expire_date__lt=timezone.now())
    while keys := list(stale.values_list("session_key", flat=True)[:PRUNE_BATCH]):
        pruned += Session.objects.filter(session_key__in=keys).delete()[0]
    return pruned

"""The admin: access, search, actions, and the reason required for reading texts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from apps.accounts.models import Device, LoginSession, Notification, User
from apps.chats.models import Chat, Participant
from apps.messages.models import Disclosure, Message
from messenger.core.admin import COUNT_LIMIT, BoundedPaginator
from messenger.core.models import OutboxEvent
from tests.factories import PASSWORD, UserFactory

SECRET_TEXT = "meet me at the old bridge"
LISTS = [
    "accounts_user",
    "accounts_loginsession",
    "accounts_device",
    "accounts_notification",
    "chats_chat",
    "chats_participant",
    "core_outboxevent",
    "messaging_disclosure",
]


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def root(db) -> User:
    return UserFactory(username="root_1", is_staff=True, is_superuser=True)


@pytest.fixture
def support(db) -> User:
    """Staff who may view users and deactivate accounts, but not change rights."""
    user = UserFactory(username="support", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(
            codename__in=["view_user", "change_user", "view_chat", "view_loginsession"]
        )
    )
    return user


@pytest.fixture
def chat(alice, bob) -> Chat:
    chat = Chat.objects.create(kind="group", title="Bridge", created_by=alice, last_seq=1)
    for user in (alice, bob):
        Participant.objects.create(chat=chat, user=user)
    Message.objects.create(chat=chat, seq=1, sender=alice, text=SECRET_TEXT)
    OutboxEvent.objects.create(
        event_type="message.sent", aggregate_id=chat.id, payload={"text": SECRET_TEXT}
    )
    return chat


@pytest.mark.django_db
def test_users_without_the_staff_flag_have_no_access(alice, root, chat):
    stranger, member = Client(), signed_in(alice)
    paths = [reverse("admin:index"), *(reverse(f"admin:{name}_changelist") for name in LISTS)]
    paths += [
        reverse("admin:accounts_user_change", args=[root.id]),
        reverse("admin:chats_chat_change", args=[chat.id]),
        reverse("admin:messaging_disclosure_add"),
    ]
    for path in paths:
        assert stranger.get(path, follow=True).redirect_chain[-1][0].startswith("/accounts/login/")
        answer = member.get(path, follow=True)
        assert answer.status_code == 403
        assert b"Bridge" not in answer.content


@pytest.mark.django_db
def test_admin_sign_in_is_replaced_by_the_site_s(root):
    client = Client()
    client.post("/admin/login/", {"username": "root_1", "password": PASSWORD})
    assert client.get("/admin/").status_code == 302
    assert not LoginSession.objects.exists()
    page = signed_in(root).get("/admin/password_change/")
    assert page["Location"] == "/accounts/password/change/"


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("search", ["", "alice", "alice@example.org", "\x00", "%", "x" * 3000])
def test_lists_are_searched_without_a_query_per_row(root, alice, bob, chat, name, search):
    client = signed_in(root)
    signed_in(alice).get("/api/v1/users/me")
    Disclosure.objects.create(staff=root, chat=chat, reason="because of a report")
    session = LoginSession.objects.filter(user=alice).first()
    Device.objects.create(user=alice, session=session, kind="fcm", endpoint="a-secret-token")
    Notification.objects.create(user=alice, kind="messages", subject=chat.id)
    answer = client.get(reverse(f"admin:{name}_changelist"), {"q": search})
    assert answer.status_code == 200
    assert SECRET_TEXT.encode() not in answer.content
    assert b"a-secret-token" not in answer.content


@pytest.mark.django_db
def test_search_finds_people_sessions_and_chats(root, alice, bob, chat):
    signed_in(bob).get("/api/v1/users/me")
    client = signed_in(root)

    def found(name, search):
        page = client.get(reverse(f"admin:{name}_changelist"), {"q": search})
        return {str(row.pk) for row in page.context["cl"].result_list}

    for search in ("BOB", bob.email, str(bob.id)):
        assert found("accounts_user", search) == {str(bob.id)}
    assert found("accounts_loginsession", "bob") == {str(LoginSession.objects.get(user=bob).id)}
    assert found("chats_chat", "alice") == found("chats_chat", str(chat.id)) == {str(chat.id)}
    assert len(found("chats_participant", str(chat.id))) == 2


@pytest.mark.django_db
def test_nothing_can_be_added_or_deleted(root, alice, chat):
    client = signed_in(root)
    for model in ("accounts_user", "accounts_loginsession", "chats_chat", "core_outboxevent"):
        assert client.get(reverse(f"admin:{model}_add")).status_code == 403
    event = OutboxEvent.objects.get()
    for model, pk in (("accounts_user", alice.pk), ("chats_chat", chat.pk)):
        assert client.post(reverse(f"admin:{model}_delete", args=[pk])).status_code == 403
    page = client.get(reverse("admin:core_outboxevent_change", args=[event.pk]))
    assert page.status_code == 200
    assert SECRET_TEXT.encode() not in page.content
    change = reverse("admin:chats_chat_change", args=[chat.pk])
    assert client.post(change, {"title": "new"}).status_code == 403


@pytest.mark.django_db
def test_secrets_have_no_page(root, alice):
    client = signed_in(root)
    signed_in(alice).get("/api/v1/users/me")
    row = LoginSession.objects.get(user=alice)
    device = Device.objects.create(user=alice, session=row, kind="fcm", endpoint="secret-token")
    page = client.get(reverse("admin:accounts_device_change", args=[device.pk]))
    assert page.status_code == 200
    assert b"secret-token" not in page.content
    page = client.get(reverse("admin:accounts_loginsession_change", args=[row.pk]))
    assert page.status_code == 200
    assert row.session_key.encode() not in page.content
    page = client.get(reverse("admin:accounts_user_change", args=[alice.pk]))
    assert alice.password.encode() not in page.content
    for name in ("mfa_authenticator", "account_emailaddress", "messaging_message"):
        with pytest.raises(NoReverseMatch):
            reverse(f"admin:{name}_changelist")
    assert Message not in admin.site._registry


@pytest.mark.django_db(transaction=True)
def test_deactivating_a_user_signs_them_out(root, support, api, alice):
    app = api(alice)
    client = signed_in(support)
    change = reverse("admin:accounts_user_change", args=[alice.pk])
    assert client.post(change, {}).status_code == 302  # the box is not ticked
    alice.refresh_from_db()
    assert not alice.is_active
    assert app.get("/users/me").status_code == 401
    assert LoginSession.objects.get(user=alice).revoke_reason == "deactivated"
    event = OutboxEvent.objects.get(event_type="user.updated")
    assert event.payload["is_active"] is False
    assert event.metadata["actor_id"] == str(support.id)
    action = {"action": "switch_on", "_selected_action": [str(alice.pk)]}
    client.post(reverse("admin:accounts_user_changelist"), action)
    alice.refresh_from_db()
    assert alice.is_active


@pytest.mark.django_db
def test_staff_can_change_neither_their_own_rights_nor_superadmins(root, support, alice):
    client = signed_in(support)
    attempt = {"is_active": "on", "is_staff": "on", "is_superuser": "on"}
    for person in (support, alice):
        client.post(reverse("admin:accounts_user_change", args=[person.pk]), attempt)
        person.refresh_from_db()
        assert not person.is_superuser
    client.post(reverse("admin:accounts_user_change", args=[root.pk]), {})
    action = {"action": "switch_off", "_selected_action": [str(root.pk), str(support.pk)]}
    client.post(reverse("admin:accounts_user_changelist"), action)
    assert User.objects.filter(pk__in=[root.pk, support.pk], is_active=True).count() == 2


@pytest.mark.django_db
def test_superadmins_grant_rights_and_revoking_them_ends_sessions(root, api, alice):
    group = Group.objects.create(name="moderators")
    client = signed_in(root)
    change = reverse("admin:accounts_user_change", args=[alice.pk])
    app = api(alice)
    given = {"is_active": "on", "is_staff": "on", "groups": [group.pk]}
    assert client.post(change, given).status_code == 302
    alice.refresh_from_db()
    assert alice.is_staff
    assert app.get("/users/me").status_code == 200
    event = OutboxEvent.objects.get(event_type="user.roles_changed")
    assert event.payload["roles"] == ["moderators"]
    assert client.post(change, {"is_active": "on"}).status_code == 302
    assert not alice.groups.exists()
    assert app.get("/users/me").status_code == 401


@pytest.mark.django_db
def test_sessions_are_ended_from_their_list(root, api, alice):
    app = api(alice)
    row = LoginSession.objects.get(user=alice)
    action = {"action": "end", "_selected_action": [str(row.pk)]}
    signed_in(root).post(reverse("admin:accounts_loginsession_changelist"), action)
    assert app.get("/users/me").status_code == 401


@pytest.mark.django_db
def test_lists_allow_only_their_own_filters(root, support, chat):
    support.user_permissions.add(Permission.objects.get(codename="view_outboxevent"))
    signed_in(root).get(reverse("admin:index"))
    client, key = signed_in(support), LoginSession.objects.get(user=root).session_key
    for name, question in (
        ("accounts_loginsession", {"session_key__startswith": key[:5]}),
        ("accounts_loginsession", {"user__password__startswith": "md5"}),
        ("accounts_user", {"password__startswith": "md5"}),
        ("core_outboxevent", {"payload__text__icontains": "old bridge"}),
        ("chats_chat", {"messages__text__icontains": "old bridge"}),
        ("chats_chat", {"title__regex": "("}),
    ):
        assert client.get(reverse(f"admin:{name}_changelist"), question).status_code == 400
    for name, question in (
        ("accounts_loginsession", {"kind__exact": "browser", "revoked_at__isempty": "1"}),
        ("accounts_user", {"is_staff__exact": "1", "deleted_at__isempty": "1", "o": "1"}),
        ("core_outboxevent", {"published_at__isempty": "1"}),
    ):
        answer = client.get(reverse(f"admin:{name}_changelist"), question)
        assert answer.status_code == 200
        assert b"result_list" in answer.content


@pytest.mark.django_db
def test_texts_are_shown_only_after_a_stored_reason_and_for_an_hour(root, chat):
    client = signed_in(root)
    add = reverse("admin:messaging_disclosure_add")
    for bad in ({"reason": ""}, {"reason": "short"}, {"reason": "x" * 501}):
        answer = client.post(add, {"chat": str(chat.id), **bad})
        assert answer.status_code == 200
        assert SECRET_TEXT.encode() not in answer.content
    assert not Disclosure.objects.exists()
    answer = client.post(add, {"chat": str(chat.id), "reason": "Report 4711: threats"}, follow=True)
    assert SECRET_TEXT in answer.content.decode()
    logged = Disclosure.objects.get()
    assert (logged.staff, logged.chat, logged.reason) == (root, chat, "Report 4711: threats")
    texts = reverse("admin:messaging_disclosure_texts", args=[logged.pk])
    for before in ("0", "1", "9" * 30, "-1", "x"):
        assert client.get(texts, {"before": before}).status_code == 200
    colleague = UserFactory(username="colleague", is_staff=True, is_superuser=True)
    assert signed_in(colleague).get(texts).status_code == 403
    Disclosure.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    assert client.get(texts).status_code == 403
    change = reverse("admin:messaging_disclosure_change", args=[logged.pk])
    assert SECRET_TEXT.encode() not in client.get(change).content
    assert client.post(change, {"reason": "something nicer"}).status_code == 403
    delete = reverse("admin:messaging_disclosure_delete", args=[logged.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403


@pytest.mark.django_db
def test_staff_without_the_permission_cannot_give_a_reason(support, chat):
    client = signed_in(support)
    assert client.get(reverse("admin:messaging_disclosure_add")).status_code == 403
    own = Disclosure.objects.create(staff=support, chat=chat, reason="made up elsewhere")
    assert client.get(reverse("admin:messaging_disclosure_texts", args=[own.pk])).status_code == 403


@pytest.mark.django_db
def test_counts_of_large_lists_are_limited(alice, django_assert_num_queries):
    with django_assert_num_queries(1) as queries:
        assert BoundedPaginator(User.objects.order_by("-id"), 50).count == 1
    assert f"LIMIT {COUNT_LIMIT}" in queries.captured_queries[0]["sql"]

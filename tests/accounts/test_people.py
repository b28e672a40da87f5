"""Profiles, search and account deletion through REST."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client

from apps.accounts import serializers as shapes
from apps.accounts.models import LoginSession, User
from apps.accounts.selectors import people_search, people_search_by_staff
from messenger.core.models import OutboxEvent
from tests.factories import PASSWORD, UserFactory


@pytest.mark.django_db
def test_answers_match_their_declared_shapes(api, alice, bob):
    client = api(alice)
    shapes.UserOut.model_validate(client.get("/users/me").json())
    shapes.ProfileOut.model_validate(client.get(f"/users/{bob.id}").json())
    shapes.PeoplePage.model_validate(client.get("/users?search=a").json())
    shapes.LoginSessionsPage.model_validate(client.get("/auth/sessions").json())


@pytest.mark.django_db
def test_profile_contains_no_private_data(api, alice, bob):
    body = api(alice).get(f"/users/{bob.id}").json()
    assert body["username"] == bob.username
    assert bob.email not in str(body)
    assert set(body) == set(shapes.ProfileOut.model_fields)
    assert api().get(f"/users/{bob.id}").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status"),
    [("00000000-0000-7000-8000-000000000000", 404), ("not-a-uuid", 400), ("%00", 400)],
)
def test_unknown_person_is_a_404_and_a_malformed_id_a_400(api, alice, path, status):
    answer = api(alice).get(f"/users/{path}")
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("application/problem+json")


@pytest.mark.django_db
def test_only_given_fields_change(api, alice):
    client = api(alice)
    answer = client.patch("/users/me", {"bio": "Hello\nthere", "time_zone": "Europe/Berlin"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["bio"], body["time_zone"]) == ("Hello\nthere", "Europe/Berlin")
    assert body["display_name"] == "Alice"
    event = OutboxEvent.objects.get(event_type="user.updated")
    assert event.payload["bio"] == "Hello\nthere"
    client.patch("/users/me", {"bio": "Hello\nthere", "writes_from": "contacts"})
    assert OutboxEvent.objects.count() == 1  # nothing public changed


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"display_name": "x" * 81},
        {"display_name": "a\nb"},
        {"display_name": "\u202egpj.exe"},
        {"display_name": None},
        {"bio": "x" * 501},
        {"bio": 1},
        {"locale": "tlh"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"last_seen_visibility": "some"},
        {"writes_from": ""},
        {"found_by_email": "yes"},
        {"email": "new@example.org"},
        {"username": "root"},
        {"is_superuser": True},
    ],
)
def test_invalid_change_has_no_effect(api, alice, change):
    client = api(alice)
    before = client.get("/users/me").json()
    answer = client.patch("/users/me", {"bio": "new", **change} if "bio" not in change else change)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == next(iter(change))
    assert client.get("/users/me").json() == before


@pytest.mark.django_db
def test_search_finds_prefixes_of_names_regardless_of_case(api, alice, bob):
    UserFactory(username="Zoe_1", display_name="Bobby Tables")
    UserFactory(username="abob", display_name="Nobody")
    UserFactory(username="bobgone", display_name="Gone", is_active=False)
    client = api(alice)

    def found(text):
        answer = client.get("/users", {"search": text})
        assert answer.status_code == 200
        return [item["username"] for item in answer.json()["items"]]

    assert found("BOB") == [bob.username, "Zoe_1"]
    assert found("@bob") == [bob.username, "Zoe_1"]
    assert found("bobby t") == ["Zoe_1"]
    assert found("%") == found("_o") == found("\\") == []


@pytest.mark.django_db
def test_only_a_complete_address_finds_a_user_who_allows_it(api, alice, bob):
    client = api(alice)
    assert client.get("/users", {"search": bob.email}).json()["total"] == 0
    api(bob).patch("/users/me", {"found_by_email": True})
    assert client.get("/users", {"search": bob.email.upper()}).json()["total"] == 1
    assert client.get("/users", {"search": bob.email[:-1]}).json()["total"] == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    [
        "",
        "search=",
        "search=%00",
        "search=a&search=b",
        "search=a&page=0",
        "search=a&page=x",
        "search=a&page=99999999999999999999",
        "search=a&page_size=101",
        "search=a&unknown=1",
        f"search={'x' * 300}",
    ],
)
def test_invalid_query_is_a_400(api, alice, query):
    assert api(alice).get(f"/users?{query}").status_code == 400


@pytest.mark.django_db
def test_page_after_the_last_one_is_empty(api, alice):
    body = api(alice).get("/users?search=a&page=1000000").json()
    assert (body["items"], body["total"], body["pages"]) == ([], 1, 1)


@pytest.mark.django_db
def test_search_uses_both_prefix_indexes(alice):
    users = [
        User(username=f"user{n}", email=f"u{n}@e.org", display_name=f"N{n}") for n in range(3000)
    ]
    User.objects.bulk_create(users)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_user")
    for question in ({"username__iexact": "USER7"}, {"email": "u7@e.org"}):
        assert "Seq Scan" not in User.objects.filter(**question).explain()
    assert "Seq Scan" not in people_search_by_staff(User.objects.all(), "user12").explain()
    plan = people_search(viewer_id=alice.id, search="user12").explain()
    assert "user_username_prefix" in plan, plan
    assert "user_name_prefix" in plan, plan
    assert "Seq Scan" not in plan, plan


@pytest.mark.django_db(transaction=True)
def test_deleted_user_is_anonymised_and_signed_out(api, alice, bob, closed_sockets):
    client, other = api(alice), api(alice)
    browser = Client()
    browser.force_login(alice)
    browser.get("/api/v1/users/me")
    alice.bio = "secret"
    alice.save()
    wrong = client.delete("/users/me", {"password": "wrong"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "password")
    assert client.delete("/users/me", {"password": PASSWORD}).status_code == 204
    for gone in (client, other):
        assert gone.get("/users/me").status_code == 401
    assert browser.get("/api/v1/users/me").status_code == 401
    assert len(closed_sockets()) == 3
    row = User.objects.get(id=alice.id)
    personal = ("alice", "Alice", "example.org", "secret")
    assert not any(word in str(vars(row)) for word in personal)
    assert not EmailAddress.objects.filter(user=row).exists()
    assert set(LoginSession.objects.filter(user=row).values_list("ip_address")) == {(None,)}
    assert OutboxEvent.objects.get(event_type="user.deleted").payload == {"user_id": str(alice.id)}
    seen = api(bob).get(f"/users/{alice.id}").json()
    assert (seen["deleted"], seen["display_name"]) == (True, "")
    assert api(bob).get("/users?search=deleted").json()["total"] == 0
    login = api().post("/auth/login", {"login": row.username, "password": PASSWORD})
    assert login.status_code == 401
    back = {"username": "alice", "email": "alice@example.org", "password": "another horse 7"}
    assert api().post("/auth/register", back).status_code == 201

"""API keys: made once, kept hashed, and of use only as long and as far as they should be."""

from datetime import timedelta

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.views import APIView

from customers import actions
from customers.access import actor_of
from customers.authentication import HasScope, KeyAuthentication
from customers.models import ApiKey, Membership, User
from escalation.actors import Actor, Role
from escalation.errors import Refused

READ, WRITE = "tickets:read", "tickets:write"


def actor(user: User) -> Actor:
    return Membership.objects.get(user=user).actor()


def make_key(user: User, *scopes: str, days: int | None = None) -> tuple[ApiKey, str]:
    ends = None if days is None else timezone.now() + timedelta(days=days)
    tenant = Membership.objects.get(user=user).tenant
    return actions.create_key(
        tenant, actor(user), label="Robot", scopes=scopes or [READ], expires_at=ends
    )


def ask(text: str, method: str = "get") -> Request:
    """A request with the key ``text``; raises ``AuthenticationFailed``."""
    plain = getattr(RequestFactory(), method)("/", HTTP_AUTHORIZATION=f"Bearer {text}")
    request = Request(plain, authenticators=[KeyAuthentication()])
    assert request.user
    return request


def test_a_key_acts_for_its_maker_in_its_tenant(dana: User) -> None:
    key, text = make_key(dana)

    request = ask(text)

    assert (request.user, request.auth) == (dana, key)
    found = actor_of(request)
    assert (found.role, found.user, found.tenant_id) == (Role.ADMIN, dana, key.tenant_id)


def test_only_the_hash_is_kept(dana: User) -> None:
    key, text = make_key(dana)

    secret = text.removeprefix(f"pk_{key.prefix}_")
    row = ApiKey.objects.filter(pk=key.pk).values().get()
    assert len(secret) == 43
    assert not any(secret in str(value) for value in row.values())


def test_the_page_shows_a_key_once(client: Client, dana: User) -> None:
    client.force_login(dana)

    asked = {"label": "Robot", "scopes": [READ, WRITE], "lasts": "90"}
    made = client.post("/account/keys/", asked)

    key = ApiKey.objects.get()
    text = made.context["text"]
    assert text in made.content.decode()
    assert ask(text).auth == key
    assert text not in client.get("/account/keys/").content.decode()
    assert key.expires_at is not None
    assert 89 <= (key.expires_at - timezone.now()).days <= 90
    assert "no-store" in made["Cache-Control"]


@pytest.mark.parametrize(
    "text", ["", "x", "pk_", "pk_0a1b2c3d4e_", "pk_0a1b2c3d4e_wrong", "pk_é_é", "a b"]
)
def test_what_is_no_key_is_refused(dana: User, text: str) -> None:
    make_key(dana)

    with pytest.raises(AuthenticationFailed):
        ask(text)


def test_a_key_with_another_secret_is_refused(dana: User) -> None:
    key, _text = make_key(dana)

    with pytest.raises(AuthenticationFailed):
        ask(f"pk_{key.prefix}_{'A' * 43}")


def test_an_expired_key_is_refused(dana: User) -> None:
    _key, text = make_key(dana, days=-1)

    with pytest.raises(AuthenticationFailed):
        ask(text)


def test_a_revoked_key_is_refused(client: Client, dana: User) -> None:
    key, text = make_key(dana)
    client.force_login(dana)

    client.post(f"/account/keys/{key.pk}/revoke/")

    with pytest.raises(AuthenticationFailed):
        ask(text)


def test_a_key_ends_with_the_membership_of_its_maker(dana: User, erin: User) -> None:
    _key, text = make_key(dana)
    actions.change_kind(Membership.objects.get(user=erin), "admin", actor(dana))

    actions.remove_member(Membership.objects.get(user=dana), actor(erin))

    with pytest.raises(AuthenticationFailed):
        ask(text)


def test_a_key_is_of_no_use_to_somebody_who_is_no_member(dana: User) -> None:
    _key, text = make_key(dana)

    Membership.objects.filter(user=dana).delete()

    with pytest.raises(AuthenticationFailed):
        ask(text)


def test_a_key_ends_with_the_account_of_its_maker(dana: User) -> None:
    _key, text = make_key(dana)
    User.objects.filter(pk=dana.pk).update(is_active=False)

    with pytest.raises(AuthenticationFailed):
        ask(text)


def test_scopes_bound_a_key(dana: User) -> None:
    _key, reads = make_key(dana, READ)
    _key, writes = make_key(dana, WRITE)

    def may(text: str, method: str) -> bool:
        return HasScope().has_permission(ask(text, method), APIView())

    assert [may(reads, "get"), may(reads, "post")] == [True, False]
    assert [may(writes, "get"), may(writes, "post")] == [False, True]


def test_the_last_use_is_noted_once_a_minute(
    dana: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    key, text = make_key(dana)

    ask(text)
    key.refresh_from_db()
    first = key.last_used_at
    assert first is not None
    with django_assert_num_queries(2):
        ask(text)
    key.refresh_from_db()
    assert key.last_used_at == first
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=first - timedelta(minutes=2))
    ask(text)
    key.refresh_from_db()
    assert key.last_used_at is not None
    assert key.last_used_at >= first


def test_members_see_keys_and_make_none(client: Client, dana: User, erin: User) -> None:
    key, _text = make_key(dana)
    client.force_login(erin)

    assert key.label in client.get("/account/keys/").content.decode()
    asked = {"label": "x", "scopes": [READ], "lasts": "30"}
    assert client.post("/account/keys/", asked).status_code == 403
    assert client.post(f"/account/keys/{key.pk}/revoke/").status_code == 403
    assert ApiKey.objects.live().count() == 1


def test_keys_do_not_pile_up(dana: User) -> None:
    for _ in range(actions.MOST_LIVE_KEYS):
        make_key(dana)

    with pytest.raises(Refused, match="too many keys"):
        make_key(dana)


def test_the_list_takes_as_many_queries_for_thirty_as_for_one(
    client: Client, dana: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_key(dana)
    client.force_login(dana)
    with django_assert_num_queries(4):
        client.get("/account/keys/")
    for n in range(29):
        key, _text = make_key(dana, days=n)
        actions.revoke_key(key, actor(dana))

    with django_assert_num_queries(4):
        page = client.get("/account/keys/")

    assert page.content.decode().count("<details") == 30

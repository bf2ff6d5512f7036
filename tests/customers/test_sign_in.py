"""Coming in: by e-mail and password, with a second factor for agents, by no other door."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client, RequestFactory
from pytest_django import Settings

from customers.access import actor_of
from customers.models import User
from escalation.actors import Actor, Role
from mailroom import tokens
from mailroom.models import Letter
from tests.factories import PASSWORD

SECRET = "JBSWY3DPEHPK3PXP"


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> object:
    return client.post("/account/login/", {"login": email, "password": password, **more})


def code_of(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return str(format_hotp_value(hotp_value(secret, counter)))


def test_people_sign_in_with_their_address_in_any_case(client: Client, dana: User) -> None:
    answer = client.post("/account/login/", {"login": "Dana@Clinic.Example", "password": PASSWORD})

    assert (answer.status_code, answer["Location"]) == (302, "/tickets/")
    assert client.session["_auth_user_id"] == str(dana.pk)


def test_a_wrong_password_says_neither_who_exists_nor_who_does_not(
    client: Client, dana: User
) -> None:
    pages = [
        client.post("/account/login/", {"login": email, "password": "wrong"}).content.decode()
        for email in ("dana@clinic.example", "nobody@clinic.example")
    ]

    said = [re.findall(r'role="alert".*?</div>', page, re.DOTALL) for page in pages]
    assert said[0]
    assert said[0] == said[1]


def test_an_inactive_person_stays_outside(client: Client, dana: User) -> None:
    User.objects.filter(pk=dana.pk).update(is_active=False)

    sign_in(client, dana.email)

    assert "_auth_user_id" not in client.session


def test_too_many_wrong_passwords_shut_the_door_for_a_while(client: Client, dana: User) -> None:
    for _ in range(5):
        sign_in(client, dana.email, "wrong")

    sign_in(client, dana.email)

    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("path", ["signup/", "email/", "confirm-email/", "password/set/"])
def test_the_doors_that_are_not_ours_stay_shut(client: Client, dana: User, path: str) -> None:
    assert client.get(f"/account/{path}").status_code == 404
    client.force_login(dana)
    assert client.post(f"/account/{path}", {"email": "other@clinic.example"}).status_code == 404


def test_signing_in_brings_the_persons_language(client: Client, minji: User) -> None:
    answer = client.post("/account/login/", {"login": minji.email, "password": PASSWORD})

    assert answer.cookies["django_language"].value == "ko"


# -- The second factor ------------------------------------------------------------


@pytest.fixture
def strict(settings: Settings) -> None:
    settings.POSTERN_AGENT_MFA = True


def test_an_agent_without_a_second_factor_is_sent_to_set_one_up(
    client: Client, strict: None, minji: User
) -> None:
    sign_in(client, minji.email)

    answer = client.get("/desk/customers/tenant/", follow=True)
    assert ("/account/2fa/totp/activate/", 302) in answer.redirect_chain
    form = client.post(answer.request["PATH_INFO"] + "?next=/account/2fa/totp/activate/",
                       {"password": PASSWORD}, follow=True)  # fmt: skip

    assert "<svg" in form.content.decode()
    assert "창구는 2차 인증이 있어야 열립니다" in answer.content.decode()  # minji reads Korean


def test_an_agent_comes_in_with_password_and_code(
    client: Client, strict: None, minji: User
) -> None:
    TOTP.activate(minji, SECRET)

    answer = client.post("/account/login/", {"login": minji.email, "password": PASSWORD})
    assert answer["Location"] == "/account/2fa/authenticate/"
    assert client.get("/desk/customers/tenant/").status_code == 302
    client.post("/account/2fa/authenticate/", {"code": code_of(SECRET)})

    assert client.get("/desk/customers/tenant/").status_code == 200


def test_a_wrong_code_opens_nothing(client: Client, strict: None, minji: User) -> None:
    TOTP.activate(minji, SECRET)

    sign_in(client, minji.email)
    client.post("/account/2fa/authenticate/", {"code": "000000"})

    assert "_auth_user_id" not in client.session
    assert client.get("/desk/customers/tenant/").status_code == 302


def test_a_new_second_factor_must_be_shown_before_the_desk_opens(
    client: Client, strict: None, minji: User
) -> None:
    sign_in(client, minji.email)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    page = client.get("/account/2fa/totp/activate/")
    secret = page.context["form"].secret
    client.post("/account/2fa/totp/activate/", {"code": code_of(secret)})
    assert Authenticator.objects.filter(user=minji, type="totp").exists()

    asked = client.get("/desk/customers/tenant/", follow=True)
    assert asked.redirect_chain[-1][0].startswith("/account/2fa/reauthenticate/?next=")


def test_who_removes_the_second_factor_leaves_the_desk(
    client: Client, strict: None, minji: User
) -> None:
    TOTP.activate(minji, SECRET)
    sign_in(client, minji.email)
    client.post("/account/2fa/authenticate/", {"code": code_of(SECRET)})

    Authenticator.objects.all().delete()

    assert client.get("/desk/customers/tenant/").status_code == 302


def test_without_a_second_factor_an_agent_is_nobody_anywhere(
    client: Client, strict: None, minji: User
) -> None:
    request = RequestFactory().get("/")
    request.user, request.session = minji, client.session

    assert actor_of(request) == Actor(Role.MEMBER, minji)


def test_the_second_factor_of_somebody_else_counts_for_nothing(
    client: Client, strict: None, minji: User, joon: User
) -> None:
    TOTP.activate(minji, SECRET)
    sign_in(client, minji.email)
    client.post("/account/2fa/authenticate/", {"code": code_of(SECRET)})

    client.force_login(joon)

    assert client.get("/desk/customers/tenant/").status_code == 302


def test_the_desk_does_not_exist_for_customers(client: Client, dana: User) -> None:
    client.force_login(dana)

    assert client.get("/desk/", follow=True).status_code == 404


# -- A new password -----------------------------------------------------------------


def test_a_new_password_comes_by_a_letter_that_hides_its_link(client: Client, dana: User) -> None:
    client.post("/account/password/reset/", {"email": dana.email})
    letter = Letter.objects.get(kind="password_reset")
    link = letter.link_path.replace("{token}", tokens.token(letter.link_key))

    assert tokens.token(letter.link_key) not in letter.body
    form = client.get(link, follow=True)
    new = "another horse battery"
    client.post(form.request["PATH_INFO"], {"password1": new, "password2": new})

    dana.refresh_from_db()
    assert dana.check_password(new)
    assert client.get(link).context["token_fail"]
    assert Letter.objects.filter(kind="account_changed", recipient=dana.email).exists()


def test_nobody_makes_us_write_to_a_stranger(client: Client, dana: User) -> None:
    known = client.post("/account/password/reset/", {"email": dana.email})
    unknown = client.post("/account/password/reset/", {"email": "victim@elsewhere.example"})

    assert known["Location"] == unknown["Location"]
    assert [letter.recipient for letter in Letter.objects.all()] == [dana.email]

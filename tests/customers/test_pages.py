"""Every page of an account, in both languages; the language itself; the operator's admin."""

import re
from io import StringIO

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.views.defaults import server_error

from customers.models import ApiKey, Domain, Membership, Tenant, User
from tests.factories import PASSWORD, make_user

FOR_EVERYBODY = [
    "login", "inactive", "password/reset", "password/reset/done", "password/reset/key/done",
    "password/reset/key/1-x-set",
]  # fmt: skip
PAGES = ["members", "keys", "profile", "tenant", "password/change", "2fa", "logout"]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("page", PAGES)
def test_pages_for_the_signed_in(client: Client, dana: User, page: str, language: str) -> None:
    client.force_login(dana)
    client.cookies["django_language"] = language

    answer = client.get(f"/account/{page}/")

    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.content.decode()
    assert "<script>" not in answer.content.decode()
    assert " style=" not in answer.content.decode()


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("page", FOR_EVERYBODY)
def test_pages_for_everybody(client: Client, db: None, page: str, language: str) -> None:
    client.cookies["django_language"] = language

    answer = client.get(f"/account/{page}/")

    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.content.decode()
    assert 'name="robots" content="noindex"' in answer.content.decode()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_pages_of_the_second_factor(client: Client, dana: User, language: str) -> None:
    TOTP.activate(dana, "JBSWY3DPEHPK3PXP")
    client.cookies["django_language"] = language
    client.post("/account/login/", {"login": dana.email, "password": PASSWORD})

    assert client.get("/account/2fa/authenticate/").status_code == 200
    client.force_login(dana)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert client.post("/account/2fa/recovery-codes/generate/").status_code == 302
    for page in ("", "recovery-codes/", "recovery-codes/generate/", "totp/deactivate/",
                 "reauthenticate/"):  # fmt: skip
        answer = client.get(f"/account/2fa/{page}")
        assert (page, answer.status_code) == (page, 200)
        assert f'<html lang="{language}">' in answer.content.decode()


@pytest.mark.parametrize("page", ["members", "keys", "profile", "tenant"])
def test_pages_of_an_account_ask_to_sign_in(client: Client, db: None, page: str) -> None:
    answer = client.get(f"/account/{page}/")

    assert answer["Location"] == f"/account/login/?next=/account/{page}/"


def test_one_changes_ones_name_and_language(client: Client, dana: User) -> None:
    client.force_login(dana)

    answer = client.post("/account/profile/", {"name": "Dana D.", "language": "ko"})

    dana.refresh_from_db()
    assert (dana.name, dana.language) == ("Dana D.", "ko")
    assert answer.cookies["django_language"].value == "ko"


# -- The language ---------------------------------------------------------------------


def test_the_language_changes_by_post_only(client: Client, dana: User) -> None:
    client.force_login(dana)

    assert client.get("/language/", {"language": "ko"}).status_code == 405
    dana.refresh_from_db()
    assert dana.language == "en"
    answer = client.post("/language/", {"language": "ko", "next": "/account/profile/"})

    dana.refresh_from_db()
    assert dana.language == "ko"
    assert answer["Location"] == "/account/profile/"
    assert '<html lang="ko">' in client.get("/account/profile/").content.decode()


def test_an_unknown_language_is_refused(client: Client, db: None) -> None:
    assert client.post("/language/", {"language": "xx"}).status_code == 400


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"]
)
def test_the_language_switch_leads_nowhere_else(client: Client, db: None, elsewhere: str) -> None:
    answer = client.post("/language/", {"language": "ko", "next": elsewhere})

    assert answer["Location"] == "/"


# -- The operator -----------------------------------------------------------------------


def test_the_first_operator_comes_by_the_command(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a quiet green harbour")

    call_command(
        "createsuperuser", email="First@Mail.example", interactive=False, stdout=StringIO()
    )

    first = User.objects.get()
    assert (first.email, first.level) == ("first@mail.example", 3)
    assert first.is_superuser
    assert client.login(email="first@mail.example", password="a quiet green harbour")


@pytest.mark.parametrize("model", ["user", "tenant", "apikey"])
def test_the_operator_looks_and_nobody_deletes(client: Client, root: User, model: str) -> None:
    client.force_login(root)

    assert client.get(f"/desk/customers/{model}/").status_code == 200
    row = {"user": root.pk, "tenant": Tenant.objects.create(name="X").pk}.get(model, 0)
    assert client.get(f"/desk/customers/{model}/{row}/delete/").status_code in {302, 403}
    assert User.objects.filter(pk=root.pk).exists()


def test_the_operator_makes_a_tenant_with_its_first_admin(
    client: Client, root: User, dana: User
) -> None:
    client.force_login(root)

    client.post(
        "/desk/customers/tenant/add/",
        {
            "name": "Bakery",
            "domains-TOTAL_FORMS": "1", "domains-INITIAL_FORMS": "0",
            "domains-0-name": "Bakery.Example",
            "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0",
            "memberships-0-user": str(dana.pk), "memberships-0-kind": "admin",
        },
    )  # fmt: skip

    assert Domain.objects.get(name="bakery.example").tenant.name == "Bakery"
    assert Membership.objects.filter(user=dana, tenant__name="Bakery", kind="admin").exists()


def test_the_operator_makes_an_agent_who_sets_their_own_password(
    client: Client, root: User
) -> None:
    client.force_login(root)

    client.post(
        "/desk/customers/user/add/",
        {"email": "New@Mail.example", "name": "", "language": "en", "is_staff": "on",
         "level": "2", "is_active": "on"},
    )  # fmt: skip

    agent = User.objects.get(email="new@mail.example")
    assert (agent.is_staff, agent.level) == (True, 2)
    assert not agent.has_usable_password()


@pytest.mark.parametrize("model", ["user", "tenant"])
def test_agents_look_and_change_nothing(client: Client, minji: User, model: str) -> None:
    client.force_login(minji)

    assert client.get(f"/desk/customers/{model}/").status_code == 200
    assert client.get(f"/desk/customers/{model}/add/").status_code == 403
    before = make_user("victim@mail.example")
    posted = client.post(f"/desk/customers/user/{before.pk}/change/", {"email": "x@mail.example"})
    before.refresh_from_db()
    assert (posted.status_code, before.email) == (403, "victim@mail.example")


def test_the_operator_revokes_a_key(client: Client, root: User, dana: User) -> None:
    tenant = Membership.objects.get(user=dana).tenant
    key = ApiKey.objects.create(tenant=tenant, user=dana, label="x", prefix="p", digest="d")
    client.force_login(root)

    client.post("/desk/customers/apikey/", {"action": "revoke", "_selected_action": [key.pk]})

    key.refresh_from_db()
    assert key.status == "revoked"


# -- Errors ---------------------------------------------------------------------------------


def test_a_missing_page_is_in_the_look(client: Client, db: None) -> None:
    page = client.get("/account/nothing/here/")

    assert page.status_code == 404
    assert 'class="site-head"' in page.content.decode()


def test_a_form_without_its_token_says_so(db: None) -> None:
    page = Client(enforce_csrf_checks=True).post("/language/", {"language": "ko"})

    assert page.status_code == 403
    assert "The form has run out" in page.content.decode()


def test_the_page_of_our_own_fault_needs_nothing(client: Client, db: None) -> None:

    page = server_error(RequestFactory().get("/")).content.decode()

    assert "Something went wrong on our side" in page
    assert not re.search(r"\{\{|\{%", page)

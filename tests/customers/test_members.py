"""Who belongs to a tenant, how they come in, and who decides it."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from customers import actions
from customers.actions import InvitationOver, LastAdmin, NotYours
from customers.models import Domain, Invitation, Membership, Tenant, User
from escalation.actors import Actor
from escalation.errors import Refused
from mailroom import tokens
from mailroom.models import Letter
from tests.factories import make_membership, make_user

ADMIN, MEMBER = Membership.Kind.ADMIN, Membership.Kind.MEMBER
NEW = {"name": "Frida", "password": "a quiet green harbour", "language": "ko"}


def place(user: User) -> Membership:
    return Membership.objects.get(user=user)


def actor(user: User) -> Actor:
    return place(user).actor()


def invite(user: User, email: str = "frida@clinic.example", kind: str = MEMBER) -> Invitation:
    return actions.invite(place(user).tenant, actor(user), email=email, kind=kind, language="en")


def link_in(letter: Letter) -> str:
    return letter.link_path.replace("{token}", tokens.token(letter.link_key))


# -- Invitations --------------------------------------------------------------------


def test_somebody_new_joins_by_the_link_in_the_letter(client: Client, dana: User) -> None:
    client.force_login(dana)
    asked = {"email": "Frida@Clinic.example", "kind": "member", "language": "ko"}
    client.post("/account/members/", asked)
    letter = Letter.objects.get(kind="invitation")
    client.logout()

    brought = client.get(link_in(letter))
    assert brought["Location"] == "/account/invitation/"
    page = client.get("/account/invitation/")
    assert "Clinic" in page.content.decode()
    assert not User.objects.filter(email="frida@clinic.example").exists()
    client.post("/account/invitation/", NEW)

    frida = User.objects.get(email="frida@clinic.example")
    assert (frida.name, frida.language) == ("Frida", "ko")
    assert place(frida).tenant == place(dana).tenant
    assert place(frida).kind == MEMBER
    assert client.session["_auth_user_id"] == str(frida.pk)
    assert (letter.recipient, letter.language) == ("frida@clinic.example", "ko")


def test_the_letter_names_who_asks_and_keeps_the_token_to_itself(dana: User) -> None:
    invitation = invite(dana)
    letter = Letter.objects.get(kind="invitation")

    assert "Dana" in letter.body
    assert "Clinic" in letter.subject
    assert tokens.token(letter.link_key) not in letter.body
    assert invitation.token_digest == tokens.digest(tokens.token(letter.link_key))


def test_an_invitation_is_used_once(client: Client, dana: User) -> None:
    invitation = invite(dana)
    actions.accept_invitation(invitation, **NEW)  # type: ignore[arg-type]

    with pytest.raises(InvitationOver):
        actions.accept_invitation(invitation, make_user())
    assert client.get(link_in(Letter.objects.get())).status_code == 404


def test_an_old_or_withdrawn_invitation_opens_nothing(client: Client, dana: User) -> None:
    old, withdrawn = invite(dana, "a@clinic.example"), invite(dana, "b@clinic.example")
    Invitation.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    actions.withdraw_invitation(withdrawn, actor(dana))

    assert [client.get(link_in(letter)).status_code for letter in Letter.objects.all()] == [404] * 2


def test_a_second_invitation_to_the_same_address_replaces_the_first(dana: User) -> None:
    first, second = invite(dana), invite(dana)

    assert list(Invitation.objects.open()) == [second]
    with pytest.raises(InvitationOver):
        actions.accept_invitation(first, make_user())


def test_members_cannot_be_invited_again(dana: User, erin: User) -> None:
    with pytest.raises(Refused, match="is a member already"):
        invite(dana, erin.email)


def test_somebody_with_an_account_signs_in_and_joins(
    client: Client, dana: User, charlie: User
) -> None:
    invite(dana, charlie.email, ADMIN)
    link = link_in(Letter.objects.get())

    client.get(link)
    assert "/account/login/?next=" in client.get("/account/invitation/").content.decode()
    client.post("/account/invitation/", NEW)
    assert Membership.objects.filter(user=charlie).count() == 1
    client.force_login(charlie)
    client.get(link)
    client.post("/account/invitation/")

    assert {m.tenant.name for m in Membership.objects.filter(user=charlie)} == {"Clinic", "School"}


def test_a_weak_password_is_refused_in_words(client: Client, dana: User) -> None:
    invite(dana)
    client.get(link_in(Letter.objects.get()))

    page = client.post("/account/invitation/", {**NEW, "password": "12345678"})

    assert 'id="id_password_error"' in page.content.decode()
    assert not User.objects.filter(email="frida@clinic.example").exists()


def test_one_tenant_cannot_make_us_a_bulk_mailer(dana: User) -> None:
    for n in range(actions.MOST_OPEN_INVITATIONS):
        invite(dana, f"person{n}@clinic.example")

    with pytest.raises(Refused, match="Too many invitations"):
        invite(dana)


# -- Admins and members --------------------------------------------------------------


def test_the_last_admin_stays(client: Client, dana: User, erin: User) -> None:
    with pytest.raises(LastAdmin):
        actions.remove_member(place(dana), actor(dana))
    with pytest.raises(LastAdmin):
        actions.change_kind(place(dana), MEMBER, actor(dana))
    client.force_login(dana)
    page = client.post(f"/account/members/{place(dana).pk}/remove/", follow=True)

    assert place(dana).kind == ADMIN
    assert "last admin" in page.content.decode()


def test_who_is_gone_already_is_said_to_be_gone(dana: User, erin: User) -> None:
    same = place(erin)
    actions.remove_member(place(erin), actor(dana))

    with pytest.raises(Refused, match="no longer a member"):
        actions.remove_member(same, actor(dana))


def test_an_admin_goes_when_another_is_there(dana: User, erin: User) -> None:
    actions.change_kind(place(erin), ADMIN, actor(dana))
    actions.remove_member(place(dana), actor(erin))

    assert not Membership.objects.filter(user=dana).exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_both_go_at_once(dana: User, erin: User) -> None:
    actions.change_kind(place(erin), ADMIN, actor(dana))
    pairs = [(place(dana), actor(erin)), (place(erin), actor(dana))]

    def remove(pair: tuple[Membership, Actor]) -> str:
        try:
            actions.remove_member(*pair)
        except LastAdmin:
            return "stays"
        finally:
            connection.close()
        return "gone"

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(remove, pairs))

    assert answers == ["gone", "stays"]
    assert Membership.objects.filter(kind=ADMIN).count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_an_invitation_is_used_once_even_at_the_same_instant(dana: User) -> None:
    invitation = invite(dana)
    people = [make_user() for _ in range(4)]

    def accept(person: User) -> str:
        try:
            actions.accept_invitation(invitation, person)
        except InvitationOver:
            return "over"
        finally:
            connection.close()
        return "in"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(accept, people))

    assert answers == ["in", "over", "over", "over"]


def test_members_look_and_do_not_touch(client: Client, dana: User, erin: User) -> None:
    client.force_login(erin)

    page = client.get("/account/members/")
    assert page.status_code == 200
    assert "Send the invitation" not in page.content.decode()
    asked = {"email": "x@clinic.example", "kind": "admin", "language": "en"}
    assert client.post("/account/members/", asked).status_code == 403
    pk = place(erin).pk
    assert client.post(f"/account/members/{pk}/role/", {"kind": "admin"}).status_code == 403
    assert place(erin).kind == MEMBER
    with pytest.raises(NotYours):
        actions.change_kind(place(erin), ADMIN, actor(erin))


def test_a_stranger_finds_nothing_of_another_tenant(
    client: Client, dana: User, erin: User, charlie: User
) -> None:
    invitation = invite(dana)
    key, _text = actions.create_key(
        place(dana).tenant, actor(dana), label="x", scopes=["tickets:read"]
    )
    paths = [
        "/account/members/{}/role/", "/account/members/{}/remove/",
        "/account/members/invitations/{}/withdraw/", "/account/keys/{}/revoke/",
    ]  # fmt: skip
    rows = [place(erin).pk, place(erin).pk, invitation.pk, key.pk]

    client.force_login(charlie)
    for path, pk in zip(paths, rows, strict=True):
        there = client.post(path.format(pk), {"kind": "admin"})
        nowhere = client.post(path.format(10**9), {"kind": "admin"})
        assert (there.status_code, nowhere.status_code) == (404, 404)
        tokens_off = re.compile(rb'name="(csrfmiddlewaretoken|next)" value="[^"]*"')
        assert tokens_off.sub(b"", there.content) == tokens_off.sub(b"", nowhere.content)
    assert b"Clinic" not in client.get("/account/members/").content
    with pytest.raises(NotYours):
        actions.remove_member(place(erin), actor(charlie))


def test_people_without_a_tenant_have_no_members_page(client: Client, db: None) -> None:
    client.force_login(make_user())

    assert client.get("/account/members/").status_code == 404
    assert client.get("/account/keys/").status_code == 404
    assert client.get("/account/profile/").status_code == 200


def test_a_person_of_two_tenants_acts_for_one_at_a_time(
    client: Client, charlie: User, clinic: Tenant
) -> None:
    make_membership(charlie, clinic)
    client.force_login(charlie)

    assert "Members of School" in client.get("/account/members/").content.decode()
    client.post("/account/tenant/", {"tenant": str(clinic.pk)})
    assert "Members of Clinic" in client.get("/account/members/").content.decode()


def test_nobody_acts_for_a_tenant_that_is_not_theirs(
    client: Client, charlie: User, clinic: Tenant
) -> None:
    client.force_login(charlie)

    client.post("/account/tenant/", {"tenant": str(clinic.pk)})

    assert "Members of School" in client.get("/account/members/").content.decode()


@pytest.mark.parametrize(
    ("written", "recipient"),
    [
        (" Praxis.Example. ", "info@PRAXIS.example"),
        ("학교.example", "office@학교.example"),
        ("학교.example", "office@xn--9d0b527e.example"),
        ("xn--9d0b527e.example", "office@학교.example"),
    ],
)
def test_a_domain_is_known_however_it_is_written(
    clinic: Tenant, written: str, recipient: str
) -> None:
    Domain.objects.create(tenant=clinic, name=written)

    assert clinic.has_recipient(recipient)
    assert not clinic.has_recipient("office@another.example")


@pytest.mark.parametrize("written", ["localhost", "a b.example", "", "-x.example", "192.0.2.1"])
def test_what_is_no_domain_name_is_refused(clinic: Tenant, written: str) -> None:
    with pytest.raises(ValidationError):
        Domain.objects.create(tenant=clinic, name=written)


def test_the_operator_is_told_of_a_domain_that_is_taken(clinic: Tenant, school: Tenant) -> None:
    taken = Domain(tenant=school, name="Clinic.Example.")

    with pytest.raises(ValidationError, match="already exists"):
        taken.full_clean()


def test_the_list_takes_as_many_queries_for_thirty_as_for_one(
    client: Client, dana: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(dana)
    with django_assert_num_queries(5):
        client.get("/account/members/")
    for _ in range(29):
        make_membership(tenant=place(dana).tenant)
        invite(dana, f"{make_user().pk}@clinic.example")

    with django_assert_num_queries(5):
        page = client.get("/account/members/")

    assert page.content.decode().count("<details") == 30 + 29

"""What must never be listed, on every way in."""

import io
from ipaddress import ip_network

import pytest
from django.core.management import call_command
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pytest_django import Settings

from customers.models import Tenant, User
from escalation import prefixes
from escalation.actors import DESK
from escalation.prefixes import parse_prefix
from listings import actions, imports, protected
from listings.actions import NotListable
from listings.formats import plain
from listings.lifecycle import State
from listings.models import Listing, Protected
from tests.listings.factories import let_in, make_listing

pytestmark = pytest.mark.django_db
DESK_ADD = "/desk/listings/protected/add/"


def protect(prefix: str, kind: str = "own", **facts: object) -> Protected:
    network = parse_prefix(prefix)
    return Protected.objects.create(
        prefix=str(network), family=network.version, length=network.prefixlen,
        first=prefixes.key(network.network_address), kind=kind, **facts,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "words"),
    [("own", "of our own"), ("tenant", "customer of ours"), ("receiver", "big receiver"),
     ("infrastructure", "all of the Internet")],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["203.0.113.64/26", "203.0.113.70", "203.0.113.0/24"])
def test_what_lies_in_it_or_holds_it_cannot_be_listed_and_why_is_said(
    kind: str, words: str, prefix: str
) -> None:
    protect("203.0.113.64/26", kind)

    with pytest.raises(NotListable, match=words):
        make_listing(prefix)
    make_listing("203.0.113.0/26")


def test_an_ended_protection_protects_nothing(desk: Client, root: User) -> None:
    row = protect("203.0.113.64/26")
    desk.force_login(root)

    act = {"action": "end", "_selected_action": [row.pk]}
    desk.post("/desk/listings/protected/", act)

    make_listing("203.0.113.70")
    row.refresh_from_db()
    assert row.ended_at is not None


def test_every_way_in_is_closed(desk: Client) -> None:
    waiting = make_listing("203.0.113.70", activate=False)
    gone = make_listing("203.0.113.71")
    let_in("203.0.113.71")
    protect("203.0.113.64/26")

    with pytest.raises(NotListable):
        actions.activate(waiting, actor=DESK)
    with pytest.raises(NotListable):
        actions.relist(gone, actor=DESK)
    desk.post(f"/desk/listings/listing/{waiting.pk}/activate/", {"step": "activate"})
    act = {"action": "activate", "_selected_action": [waiting.pk]}
    desk.post("/desk/listings/listing/", act)
    given_ = {"prefix": "203.0.113.72", "reason_class": "manual"}
    assert desk.post("/desk/listings/listing/add/", given_).status_code == 200
    rows, bad = imports.check(plain.read(["203.0.113.73", "203.0.113.1"]))

    assert ([str(row.prefix) for row in rows], len(bad)) == (["203.0.113.1/32"], 1)
    waiting.refresh_from_db()
    assert waiting.state == State.PENDING
    assert not Listing.objects.enforced().exists()


@pytest.mark.parametrize(
    "prefix", ["74.125.1.1", "40.92.0.0/16", "2a01:111:f400::25", "17.57.155.1", "198.41.0.4"]
)
def test_big_receivers_and_root_servers_cannot_be_listed(prefix: str) -> None:
    assert protected.why(parse_prefix(prefix))
    assert protected.checker()(parse_prefix(prefix))


def test_the_operator_may_do_without_the_receivers(settings: Settings) -> None:
    settings.POSTERN_PROTECT_RECEIVERS = False

    assert protected.why(parse_prefix("74.125.1.1")) == ""
    assert protected.why(parse_prefix("198.41.0.4"))


def test_a_check_on_the_command_line_tells_of_it() -> None:
    protect("203.0.113.64/26", "tenant")
    said = io.StringIO()

    call_command("listings", "check", "203.0.113.70", stdout=said)

    assert "cannot be: 203.0.113.70 is, or holds, address space of a customer" in said.getvalue()


# Prefixes of a small block: what touches what is easily told by hand.
prefix_in_block = st.builds(
    lambda length, offset: ip_network(
        (int(ip_network("203.0.113.0/28").network_address) + (offset >> 32 - length << 32 - length),
         length)
    ),
    st.integers(28, 32),
    st.integers(0, 15),
)  # fmt: skip


@effort(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(prefix_in_block, max_size=5, unique=True), asked=prefix_in_block)
def test_many_and_one_are_told_the_same_as_by_hand(
    db: None, rows: list[prefixes.Prefix], asked: prefixes.Prefix
) -> None:
    Protected.objects.all().delete()
    for row in rows:
        protect(str(row))

    touched = any(asked.overlaps(row) for row in rows)

    assert bool(protected.why(asked)) == touched
    assert bool(protected.checker()(asked)) == touched


# -- At the desk --------------------------------------------------------------------------


@pytest.fixture
def desk(client: Client, minji: User) -> Client:
    client.force_login(minji)
    return client


def test_the_operator_adds_and_agents_look(desk: Client, root: User, clinic: Tenant) -> None:
    wish = {
        "prefix": "[203.0.113.64/26]",
        "kind": "tenant",
        "tenant": clinic.pk,
        "note": "contract",
    }
    assert desk.post(DESK_ADD, wish).status_code == 403
    assert desk.get("/desk/listings/protected/").status_code == 200

    desk.force_login(root)
    make_listing("203.0.113.70")
    answer = desk.post(DESK_ADD, wish, follow=True, headers={"accept-language": "en"})

    row = Protected.objects.get()
    assert (row.prefix, row.tenant, row.added_by) == ("203.0.113.64/26", clinic, root)
    assert "1" in answer.content.decode()
    assert Listing.objects.enforced().count() == 1
    assert desk.get(f"/desk/listings/protected/{row.pk}/delete/").status_code == 403
    again = desk.post(DESK_ADD, wish)
    assert again.context["adminform"].errors["prefix"]


@pytest.mark.parametrize("wrong", [{"prefix": "x"}, {"kind": "tenant", "tenant": ""}])
def test_a_form_that_lacks_something_is_shown_again(
    desk: Client, root: User, wrong: dict[str, str]
) -> None:
    desk.force_login(root)

    answer = desk.post(DESK_ADD, {"prefix": "203.0.113.0/24", "kind": "own", **wrong})

    assert answer.status_code == 200
    assert not Protected.objects.exists()

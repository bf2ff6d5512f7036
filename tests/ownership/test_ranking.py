"""Whom to ask first."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownership import ranking
from ownership.facts import ContactFacts, ContactFlag
from ownership.tables import TABLES

OLD, NEW = datetime(2010, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)


def make_contact(
    email: str = "desk@a.example",
    *roles: str,
    flags: frozenset[ContactFlag] = frozenset(),
    depth: int = 0,
    changed_at: datetime | None = None,
    entity_handle: str = "E-1",
) -> ContactFacts:
    given_roles = roles or ("abuse",)
    return ContactFacts(
        email,
        given_roles,
        ranking.score(email, given_roles, flags),
        flags,
        entity_handle,
        depth,
        changed_at=changed_at,
    )


@pytest.mark.parametrize(
    ("email", "roles", "flags", "score"),
    [
        ("zz@a.example", ["abuse"], [], 10),
        ("abuse@a.example", ["abuse"], [], 8),
        ("abuse@a.example", ["abuse", "technical"], ["validated"], 5),
        ("abuse@a.example", ["abuse"], ["unvalidated"], 13),
        ("abuse@a.example", ["abuse"], ["invalid"], 23),
        ("jo@a.example", ["registrant"], ["person"], 24),
        ("jo@a.example", ["administrative"], [], 30),
        ("noc@a.example", ["routing"], [], 38),
        ("jo@a.example", ["zone"], [], 50),
        ("jo@a.example", [], [], 50),
        ("jo@a.example", ["remark"], ["remark"], 60),
    ],
)
def test_the_score_is_the_tier_and_the_modifiers(
    email: str, roles: list[str], flags: list[str], score: int
) -> None:
    assert ranking.score(email, roles, map(ContactFlag, flags)) == score


@pytest.mark.parametrize(
    "local",
    ["abuse", "net-abuse", "spamabuse", "sysadmin", "dnsmaster", "ip_adm.noc", "ipadm", "noc24x7",
     "cert.team", "arin-contact", "network-operations"],
)  # fmt: skip
def test_a_local_part_that_names_a_task_is_a_role_mailbox(local: str) -> None:
    assert ranking.is_role_mailbox(f"{local}@a.example")
    assert not ranking.looks_like_a_name(f"{local}@a.example")


@pytest.mark.parametrize(
    "local", ["zzdnsr", "minji.kim", "operacion.redes", "netzwerk", "shipping"]
)
def test_other_local_parts_are_not(local: str) -> None:
    assert not ranking.is_role_mailbox(f"{local}@a.example")


@pytest.mark.parametrize("local", ["minji.kim", "a_person", "pat.a.person", "sam.other-person"])
def test_first_dot_last_looks_like_a_name(local: str) -> None:
    assert ranking.looks_like_a_name(f"{local}@a.example")


@pytest.mark.parametrize("local", ["zzdnsr", "a.b.c.d", "team1.x", "x-y"])
def test_other_shapes_do_not(local: str) -> None:
    assert not ranking.looks_like_a_name(f"{local}@a.example")


def test_ties_are_broken_in_the_order_of_the_table() -> None:
    deep_and_new = make_contact("x@a.example", depth=1, changed_at=NEW)
    shallow_and_old = make_contact("x@a.example", changed_at=OLD)
    shallow_and_new = make_contact("first.last@a.example", changed_at=NEW)
    plain_and_new = make_contact("zz@a.example", changed_at=NEW)
    undated = make_contact("undated@a.example")

    ordered = ranking.order(
        [deep_and_new, undated, shallow_and_old, shallow_and_new, plain_and_new]
    )

    assert ordered == (plain_and_new, shallow_and_new, shallow_and_old, undated, deep_and_new)


def test_among_equals_the_abuse_mailbox_goes_first_and_the_rest_keep_their_order() -> None:
    emails = ["ipadm@a.example", "security@a.example", "abuse@a.example"]

    ordered = ranking.order([make_contact(email, "technical") for email in emails])

    assert [one.email for one in ordered] == [emails[2], emails[0], emails[1]]


def test_registries_and_placeholders_stay_listed_but_are_not_chosen() -> None:
    registry = make_contact("abuse@a.example", flags=frozenset({ContactFlag.REGISTRY}))
    hole = make_contact("abuse@b.example", flags=frozenset({ContactFlag.PLACEHOLDER}))
    usable = make_contact("jo@c.example", "technical")

    assert ranking.choose([usable, registry, hole]) is usable
    assert ranking.choose([registry, hole]) is None


def test_an_invalid_contact_is_asked_when_there_is_nobody_else() -> None:
    invalid = make_contact(flags=frozenset({ContactFlag.INVALID}))

    assert ranking.choose([invalid]) is invalid


def test_one_abuse_entity_is_one_attempt() -> None:
    first, mate = make_contact("abuse@a.example"), make_contact("jo@a.example")
    other = make_contact("abuse@b.example", entity_handle="E-2")
    noc = make_contact("noc@a.example", "noc")

    assert ranking.together([other, mate, first, noc], first) == (first, mate)
    assert ranking.together([noc, first], noc) == (noc,)


def test_the_score_is_told_in_words() -> None:
    contact = make_contact("abuse@a.example", flags=frozenset({ContactFlag.UNVALIDATED}))

    assert ranking.why(contact) == "abuse (tier 1); role mailbox -2; unvalidated +5"


CONTACTS = st.lists(
    st.builds(
        make_contact,
        st.sampled_from(
            ["abuse@a.example", "noc@a.example", "first.last@a.example", "zz@b.example"]
        ),
        st.sampled_from(sorted(TABLES.ranking.tiers)),
        flags=st.frozensets(st.sampled_from(ContactFlag)),
        depth=st.integers(0, 3),
        changed_at=st.sampled_from([None, OLD, NEW]),
    )
)


@given(CONTACTS)
def test_the_order_is_total_and_does_not_depend_on_the_answer_but_for_equals(
    contacts: list[ContactFacts],
) -> None:
    ordered = ranking.order(contacts)

    assert ranking.order(ordered) == ordered
    assert all(one.score <= other.score for one, other in pairwise(ordered))
    assert [one.score for one in ranking.order(reversed(contacts))] == [o.score for o in ordered]
    chosen = ranking.choose(contacts)
    assert chosen is None or chosen.may_be_written_to

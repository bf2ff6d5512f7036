"""Whatever a registry sends: it is read, or it is unreadable, and that in time."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ownership import registry
from ownership.facts import Unreadable


def test_deep_and_long_answers_are_read_in_time() -> None:
    deep: dict[str, Any] = {"handle": "E"}
    for _ in range(400):
        deep = {"handle": "E", "entities": [deep] * 2}
    long = [{"handle": f"H{n}", "roles": ["abuse"] * 5} for n in range(20_000)]

    facts = registry.read({"startAddress": "192.0.2.1", "entities": [deep, *long]})

    assert "no_contact" in facts.flags


KEYS = [
    "objectClassName", "handle", "startAddress", "endAddress", "cidr0_cidrs", "entities", "roles",
    "vcardArray", "remarks", "description", "title", "links", "rel", "href", "events", "eventDate",
    "eventAction", "status", "country", "redacted", "records", "content", "name", "type", "length",
    "v4prefix", "v6prefix", "errorCode",
]  # fmt: skip
WORDS = [
    "ip network", "entity", "abuse", "registrant", "email", "kind", "fn", "individual", "vcard",
    "abuse@sample.example", "hostmaster@nic.ad.jp", "192.0.2.0", "::", "2001:db8::/128", "up", "",
    "rdap-up rdap-active", "last changed", "2024-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00",
    "x@y.example was validated on 2024-01-01", "\ud800\x00",
]  # fmt: skip
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(WORDS)
)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=40,
)
EMAILS = st.sampled_from(["abuse@a.example", "noc@a.example", "jo.doe@b.example", "irt@nic.or.kr"])
ROLES = st.lists(st.sampled_from(["abuse", "registrant", "administrative", "noc", "zone"]))


@st.composite
def entities(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    rows: list[Any] = [["email", {}, "text", email] for email in draw(st.lists(EMAILS, max_size=3))]
    inner = draw(st.lists(entities(depth=depth - 1), max_size=2)) if depth else []
    return {
        "handle": draw(st.sampled_from(["A-1", "B-2", "C-3", ""])),
        "roles": draw(ROLES),
        "vcardArray": [
            "vcard",
            [*rows, ["kind", {}, "text", draw(st.sampled_from(["org", "individual"]))]],
        ],
        "entities": inner,
    }


def emails_in(found: list[dict[str, Any]]) -> set[str]:
    here = {row[3] for one in found for row in one["vcardArray"][1] if row[0] == "email"}
    return here.union(*(emails_in(one["entities"]) for one in found)) if found else here


@given(ANY_JSON)
@settings(max_examples=300)
def test_no_document_does_more_than_be_unreadable(document: object) -> None:
    try:
        facts = registry.read(document)
    except Unreadable:
        assert not isinstance(document, dict)
    else:
        chosen = facts.chosen
        assert chosen is None or chosen in facts.contacts
        json.dumps([sorted(facts.flags), facts.prefixes and str(facts.prefixes[0])])


@given(st.lists(entities(), max_size=3))
def test_every_address_of_every_entity_is_listed_once(found: list[dict[str, Any]]) -> None:
    facts = registry.read({"startAddress": "192.0.2.1", "entities": found})

    listed = [one.email for one in facts.contacts]
    assert len(listed) == len(set(listed))
    assert set(listed) == emails_in(found)
    assert facts.chosen is None or "registry" not in facts.chosen.flags

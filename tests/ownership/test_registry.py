"""Registry answers, in every dialect: what is read out of them."""

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from ownership import mailboxes, registry
from ownership.facts import ContactFacts, NetworkFacts, Unreadable

FOLDER = Path(__file__).parents[1] / "fixtures" / "rdap"


def read(name: str) -> NetworkFacts:
    return registry.read(registry.parse((FOLDER / f"{name}.json").read_bytes()))


def contact(facts: NetworkFacts, email: str) -> ContactFacts:
    return next(one for one in facts.contacts if one.email == email)


EXPECTED: dict[str, tuple[str | None, set[str]]] = {
    "afrinic-everything": (None, {"catch_all", "no_contact"}),
    "afrinic-roleless": ("ipmaster@sample-ke.example", set()),
    "apnic-domain": (None, {"not_a_network", "no_contact"}),
    "apnic-history": (None, {"not_a_network", "no_contact"}),
    "apnic-irt-invalid": ("abuse@sample-au.example", set()),
    "apnic-jpnic-bare": (None, {"registry_contacts", "no_contact"}),
    "apnic-jpnic-remark": ("net-abuse@sample-ix.example", {"registry_contacts"}),
    "apnic-network-named-like-a-registry": (
        "resolver-abuse@sample.example",
        {"registry_contacts"},
    ),
    "apnic-own-network": ("abuse@apnic.net", set()),
    "arin-entity": (None, {"not_a_network", "no_contact"}),
    "arin-handed-to-ripe": (None, {"catch_all", "no_contact"}),
    "arin-nested": ("ip-contact@sample.example", set()),
    "arin-v6-reassigned-customer": (None, {"no_contact"}),
    "cnnic-irt": ("li.wei@sample-cn.example", {"registry_contacts"}),
    "gateway-error": (None, {"error", "no_contact"}),
    "krnic-native": ("cert.team@sample-telecom.example", set()),
    "lacnic-old-single": ("ana@muestra.example", {"range_unknown"}),
    "lacnic-placeholder": (None, {"registry_contacts", "no_contact"}),
    "lacnic-rate-limit": (None, {"error", "no_contact"}),
    "nicbr": ("abuso@exemplo.example", {"registry_contacts"}),
    "ripe-autnum": (None, {"not_a_network", "no_contact"}),
    "ripe-not-managed": (None, {"catch_all", "no_contact"}),
    "ripe-old-suffixes": ("noc@sample.example", set()),
    "ripe-redacted": ("abuse@sample-as.example", {"redacted"}),
    "ripe-search": (None, {"not_a_network", "no_contact"}),
    "wide-v4-8-with-owner": ("registrations@sample.example", set()),
    "wide-v6-12": (None, {"catch_all", "no_contact"}),
}


def test_every_fixture_is_expected_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_right_contact_and_flags_come_out_of_every_dialect(name: str) -> None:
    chosen, flags = EXPECTED[name]

    facts = read(name)

    assert (facts.chosen and facts.chosen.email, set(facts.flags)) == (chosen, flags)


@pytest.mark.parametrize(
    ("name", "organisation", "org_handle"),
    [
        ("arin-nested", "Sample Networks LLC", "SAMPL-7"),
        ("ripe-redacted", "Sample a.s.", "ORG-SA1-RIPE"),
        ("krnic-native", "주식회사 예시통신", "ORG900"),
        ("nicbr", "Exemplo Telecom Ltda.", "00000000000191"),
        ("afrinic-roleless", "Sample Kenya Ltd", "ORG-SAM9-AFRINIC"),
        ("apnic-jpnic-bare", "", ""),
    ],
)
def test_the_holder_is_the_registered_organisation_and_never_a_maintainer(
    name: str, organisation: str, org_handle: str
) -> None:
    facts = read(name)

    assert (facts.organisation, facts.org_handle) == (organisation, org_handle)


def test_copies_of_an_entity_are_put_together() -> None:
    facts = read("arin-nested")

    assert set(contact(facts, "ip-contact@sample.example").roles) == {
        "abuse", "noc", "technical", "administrative",
    }  # fmt: skip
    assert contact(facts, "ip-contact@sample.example").depth == 0
    assert "unvalidated" in contact(facts, "abuse@sample.example").flags
    assert "person" in contact(facts, "jo.doe@sample.example").flags


def test_a_remark_speaks_of_exactly_the_address_it_names() -> None:
    facts = read("apnic-irt-invalid")

    assert contact(facts, "abuse@sample-au.example").flags == {"validated"}
    assert contact(facts, "old-abuse@sample-au.example").flags == {"invalid"}
    assert contact(facts, "admin@sample-au.example").flags == set()


def make_entity(handle: str, role: str, *emails: str, **members: Any) -> dict[str, Any]:
    rows: list[Any] = [["email", {}, "text", email] for email in emails]
    rows.append(["kind", {}, "text", members.pop("kind", "group")])
    return {"handle": handle, "roles": [role], "vcardArray": ["vcard", rows], **members}


def make_answer(*entities: dict[str, Any], **members: Any) -> NetworkFacts:
    given_range = {"startAddress": "192.0.2.0", "endAddress": "192.0.2.255"}
    return registry.read({**given_range, "entities": list(entities), **members})


def test_one_entity_that_answered_the_registry_is_enough() -> None:
    silent = {"remarks": [{"title": "Unvalidated POC", "description": ["no response"]}]}

    facts = make_answer(
        make_entity("A-ARIN", "abuse", "desk@a.example", **silent),
        make_entity("B-ARIN", "noc", "desk@a.example", "other@a.example"),
        make_entity("C-ARIN", "abuse", "alone@a.example", **silent),
    )

    assert contact(facts, "desk@a.example").flags == set()
    assert contact(facts, "alone@a.example").flags == {"unvalidated"}


def test_the_type_of_an_address_can_make_it_the_abuse_contact() -> None:
    card = ["vcard", [["email", {"type": ["work", "abuse"]}, "text", "x@a.example"]]]

    facts = make_answer({"handle": "T-RIPE", "roles": ["technical"], "vcardArray": card})

    assert set(contact(facts, "x@a.example").roles) == {"technical", "abuse"}


def test_an_individual_behind_a_role_mailbox_is_no_person() -> None:
    facts = make_answer(
        make_entity("A-1", "abuse", "abuse@a.example", "jo@a.example", kind="individual"),
        make_entity("B-1", "technical", "jo@a.example"),
    )

    assert [one.is_person for one in facts.contacts] == [False, True]


def test_a_maintainer_is_neither_holder_nor_person_nor_registrant() -> None:
    facts = make_answer(
        make_entity("SAMPLE-MNT", "registrant", "db@a.example", kind="individual"),
        make_entity("MAINT-AU-SAMPLE", "registrant", "irt@apnic.net", kind="individual"),
    )

    assert facts.registrants == ()
    assert contact(facts, "db@a.example").roles == ("unknown",)
    assert contact(facts, "db@a.example").flags == set()
    assert contact(facts, "irt@apnic.net").flags == {"registry"}


def test_a_nested_registrant_does_not_hold_the_network() -> None:
    card = ["vcard", [["fn", {}, "text", "RIPE NCC"], ["kind", {}, "text", "org"]]]
    keeper = {"handle": "ORG-NCC1-RIPE", "roles": ["registrant"], "vcardArray": card}

    facts = make_answer(make_entity("AR1-RIPE", "abuse", "abuse@ripe.net", entities=[keeper]))

    assert (facts.organisation, facts.registrants) == ("", ())
    assert contact(facts, "abuse@ripe.net").flags == {"registry"}


def test_an_address_that_an_entity_lists_is_not_taken_from_the_remarks_again() -> None:
    remarks = [{"description": ["spam: noc@a.example, abuse@a.example"]}]

    facts = make_answer(make_entity("A-1", "noc", "noc@a.example"), remarks=remarks)

    assert [(one.email, one.source) for one in facts.contacts] == [
        ("noc@a.example", "rdap"),
        ("abuse@a.example", "rdap_remark"),
    ]


def test_a_hidden_name_is_no_organisation() -> None:
    card = ["vcard", [["fn", {}, "text", "DATA REDACTED"], ["kind", {}, "text", "org"]]]

    facts = make_answer({"handle": "X-LACNIC", "roles": ["registrant"], "vcardArray": card})

    assert (facts.organisation, facts.org_handle) == ("", "X-LACNIC")


@pytest.mark.parametrize(
    ("links", "up_url"),
    [
        ([("up", "https://a.example/1")], "https://a.example/1"),
        ([("collection UP", "https://a.example/1")], "https://a.example/1"),
        (
            [("up", "https://a.example/1"), ("rdap-up", "https://a.example/2")],
            "https://a.example/2",
        ),
        ([("self", "https://a.example/1"), ("up", "https://a.example/1")], ""),
        ([("rdap-top rdap-active", "https://a.example/1"), ("upward", "https://a.example/2")], ""),
    ],
)
def test_the_parent_is_where_the_links_say(links: list[tuple[str, str]], up_url: str) -> None:
    facts = make_answer(links=[{"rel": rel, "href": href} for rel, href in links])

    assert facts.up_url == up_url


def test_a_registry_is_written_to_only_where_it_holds_the_network() -> None:
    own, named = read("apnic-own-network"), read("apnic-network-named-like-a-registry")

    assert all("registry" not in one.flags for one in own.contacts)
    assert contact(named, "helpdesk@apnic.net").flags == {"registry"}


def test_an_address_in_a_remark_counts_last_and_says_so() -> None:
    remark = contact(read("afrinic-roleless"), "abuse@sample-ke.example")

    assert remark.flags == frozenset({"remark"})
    assert (remark.source, remark.roles) == ("rdap_remark", ("remark",))


def test_a_truncated_address_is_no_contact() -> None:
    assert [one.email for one in read("nicbr").contacts] == [
        "abuso@exemplo.example",
        "mail-abuse@cert.br",
    ]


def test_the_up_link_prefers_the_active_parent_whatever_the_order_of_relations() -> None:
    assert read("ripe-redacted").up_url == (
        "https://rdap.db.ripe.net/ips/rirSearch1/rdap-up/192.0.2.0%20-%20192.0.2.255?status=active"
    )


def test_only_machine_readable_links_are_followed() -> None:
    assert read("apnic-irt-invalid").related_urls == ()
    assert read("apnic-jpnic-bare").related_urls == (
        "https://jpnic.rdap.apnic.net/ip/198.51.100.0/22",
    )


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("074.125.000.000", "074.125.255.255", "74.125.0.0", "74.125.255.255"),
        ("192.0.2.0/32", "192.0.2.255/32", "192.0.2.0", "192.0.2.255"),
        ("2001:db8::/128", "2001:0db8:0000::ffff/128", "2001:db8::", "2001:db8::ffff"),
    ],
)
def test_ranges_are_read_with_padding_and_suffixes(
    start: str, end: str, first: str, last: str
) -> None:
    facts = registry.read({"startAddress": start, "endAddress": end})

    assert (facts.first, facts.last) == (ip_address(first), ip_address(last))


@pytest.mark.parametrize(
    "document",
    [
        {"objectClassName": "ip network", "handle": "198.51.100.0 - 198.51.100.255"},
        {"objectClassName": "ip network", "handle": "198.51.100/24"},
        {"cidr0_cidrs": [{"v4prefix": "198.51.100.0", "length": 25},
                         {"v4prefix": "198.51.100.128", "length": 25}]},
    ],
)  # fmt: skip
def test_without_start_and_end_the_range_comes_from_elsewhere(document: dict[str, Any]) -> None:
    assert registry.read(document).prefixes == (ip_network("198.51.100.0/24"),)


@pytest.mark.parametrize(
    ("start", "end"),
    [("192.0.2.9", "192.0.2.1"), ("192.0.2.1", "2001:db8::1"), ("x", None), (["192.0.2.1"], {})],
)
def test_a_range_that_is_none_is_unknown(start: object, end: object) -> None:
    facts = registry.read({"startAddress": start, "endAddress": end})

    assert (facts.first, facts.last) == (None, None)
    assert "range_unknown" in facts.flags


def test_one_address_with_its_cidr_is_a_real_range() -> None:
    facts = registry.read(
        {
            "startAddress": "192.0.2.1",
            "endAddress": "192.0.2.1",
            "cidr0_cidrs": [{"v4prefix": "192.0.2.1", "length": 32}],
        }
    )

    assert "range_unknown" not in facts.flags


def test_texts_are_safe_for_any_database_and_header() -> None:
    facts = registry.read({"startAddress": "192.0.2.1", "name": "a\x00b\ud800c\nd"})

    assert facts.name == "ab?c d"


def test_events_are_read_as_utc() -> None:
    facts = read("arin-nested")

    assert facts.changed_at == datetime(2020, 1, 2, 8, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'"x"', b"[" * 200_000, b"\xff\xfe", b"1" * 9999]
)
def test_a_body_that_is_no_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        registry.read(registry.parse(body))


def test_a_body_in_latin_1_is_read() -> None:
    document = registry.parse('{"startAddress": "192.0.2.1", "name": "Peña"}'.encode("latin-1"))

    assert registry.read(document).name == "Peña"


@pytest.mark.parametrize(
    ("value", "emails"),
    [
        ("mailto:Abuse@Sample.Example", ["abuse@sample.example"]),
        ("Abuse Desk <abuse@sample.example>", ["abuse@sample.example"]),
        ("a@x.example, b@x.example;c@x.example", ["a@x.example", "b@x.example", "c@x.example"]),
        ("a@x.example/b@x.example", ["a@x.example", "b@x.example"]),
        ("abuse@bücher.example", ["abuse@xn--bcher-kva.example"]),
        ("someone@", []),
        ("@x.example", []),
        ("abuse@localhost", []),
        ("abuse@[192.0.2.1]", []),
        ("abuse@192.0.2.1", []),
        ("abuse@x..example", []),
        ("a..b@x.example", []),
        ("DATA REDACTED", []),
        ("abuse@x.example\r\nBcc: all@x.test", ["abuse@x.example", "all@x.test"]),
    ],
)
def test_only_valid_addresses_come_out_of_a_card(value: str, emails: list[str]) -> None:
    assert mailboxes.all_of(value) == emails


def test_addresses_in_running_text_lose_what_clings_to_them() -> None:
    text = "신고는abuse@x.example으로. Or mail (noc@x.example). See https://x.example/@home"

    assert list(mailboxes.in_text(text)) == ["abuse@x.example", "noc@x.example"]

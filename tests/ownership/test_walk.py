"""The way from an address to its owner: national registries, parents, entities."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest

from escalation.errors import TryAgainLater
from ownership import rdap, walk
from ownership import registry as reading
from ownership.facts import Kind
from ownership.fake_registry import FakeRegistry
from ownership.rdap import LookupFailed, Rules

ADDRESS = "192.0.2.1"


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as running:
        yield running


@pytest.fixture
def rules(registry: FakeRegistry) -> Rules:
    return Rules(frozenset({registry.place}), "https://desk.example", loopback=True)


def url(registry: FakeRegistry, mood: str = "", address: str = ADDRESS) -> str:
    return f"{registry.url}{mood + '/' if mood else ''}ip/{address}"


def test_the_most_specific_network_and_its_parent_are_found(
    registry: FakeRegistry, rules: Rules
) -> None:
    prefix = ip_network("198.51.100.70")

    found = walk.network(prefix, (registry.url,), rules)
    above = walk.parent(found, rules)

    assert found.facts.prefixes == (ip_network("198.51.100.64/26"),)
    assert walk.wants_parent(found.facts)
    assert above is not None
    assert above.source == "rdap_parent"
    assert above.facts.prefixes == (ip_network("198.51.100.0/24"),)
    assert above.facts.chosen is not None
    assert above.facts.chosen.email == "hostmaster@carrier.example"
    assert registry.log[-1].path.endswith("?status=active")


def test_without_a_link_the_enclosing_prefixes_are_asked(
    registry: FakeRegistry, rules: Rules
) -> None:
    found = walk.network(ip_network("198.51.100.70"), (registry.url,), rules)
    unlinked = replace(found, facts=replace(found.facts, up_url=""))

    above = walk.parent(unlinked, rules)

    assert above is not None
    assert above.facts.prefixes == (ip_network("198.51.100.0/24"),)
    assert registry.log[-1].path == "/ip/198.51.100.0/25"


def test_a_registry_that_shows_the_network_as_its_own_parent_shows_none(
    registry: FakeRegistry, rules: Rules
) -> None:
    found = walk.network(ip_network("198.51.100.70"), (registry.url,), rules)
    looped = replace(found, facts=replace(found.facts, up_url=found.answer.url))

    above = walk.parent(looped, rules)

    assert above is not None
    assert above.facts.handle == "NET-198-51-100-0-1"


def test_a_parent_that_is_nobodys_is_none(registry: FakeRegistry, rules: Rules) -> None:
    found = walk.network(ip_network(ADDRESS), (registry.url,), rules)
    top = replace(found, facts=replace(found.facts, up_url=url(registry, "catch_all")))

    assert walk.parent(top, rules) is None


def test_only_a_network_answers_for_an_address(registry: FakeRegistry, rules: Rules) -> None:
    found = walk.network(ip_network(ADDRESS), (registry.url,), rules)
    entity = walk.entity_url(registry.url, "AR100-DEMO")

    with pytest.raises(LookupFailed, match="not a network but: entity"):
        walk.parent(replace(found, facts=replace(found.facts, up_url=entity)), rules)


def test_a_network_without_a_parent_has_none(registry: FakeRegistry, rules: Rules) -> None:
    found = walk.network(ip_network(ADDRESS), (registry.url,), rules)

    assert walk.parent(found, rules) is None
    assert not walk.wants_parent(found.facts)


def test_where_the_registry_lists_only_itself_the_national_one_is_asked(
    registry: FakeRegistry, rules: Rules
) -> None:
    found = walk.network(ip_network("203.0.113.9"), (registry.url,), rules)

    assert found.answer.url == f"{registry.url}nir/ip/203.0.113.9"
    assert found.facts.chosen is not None
    assert found.facts.chosen.email == "abuse@nuri.example"


def test_the_regional_answer_stands_where_the_national_one_knows_nothing(
    registry: FakeRegistry, rules: Rules
) -> None:
    found = walk.network(ip_network("203.0.113.200"), (registry.url,), rules)

    assert found.answer.url == url(registry, address="203.0.113.200")
    assert found.facts.chosen is None


@pytest.mark.parametrize("mood", ["server_error", "rate_limited"])
def test_a_national_registry_in_trouble_means_another_try_if_nobody_else_is_known(
    mood: str, registry: FakeRegistry, rules: Rules
) -> None:
    record = registry.networks["203.0.113.0/24"] | {"related": mood}
    registry.networks["203.0.113.0/24"] = record

    with pytest.raises(TryAgainLater):
        walk.network(ip_network("203.0.113.9"), (registry.url,), rules)

    record["contacts"].append(registry.networks["192.0.2.0/24"]["contacts"][0])
    found = walk.network(ip_network("203.0.113.9"), (registry.url,), rules)
    assert found.facts.chosen is not None


def test_a_catch_all_leads_to_no_national_registry(registry: FakeRegistry, rules: Rules) -> None:
    found = walk.network(ip_network("203.0.113.9"), (registry.url,), rules)
    regional = rdap.fetch(url(registry, address="203.0.113.200"), rules)
    facts = reading.read({**regional.document, "name": "IANA-BLK"})

    assert walk.nir_urls(replace(found, facts=facts), ip_network("203.0.113.9"), rules) == ()


def test_registry_mailboxes_lead_to_the_national_endpoint_without_a_link(
    registry: FakeRegistry, rules: Rules
) -> None:
    prefix = ip_network("203.0.113.9")
    answer = rdap.fetch(url(registry, address=str(prefix.network_address)), rules)
    facts = reading.read({**answer.document, "links": []})
    allowed = replace(rules, hosts=rules.hosts | {"krnic.rdap.apnic.net"})

    assert walk.nir_urls(walk.Found(answer, facts), prefix, allowed) == (
        "https://krnic.rdap.apnic.net/ip/203.0.113.9",
    )
    assert walk.nir_urls(walk.Found(answer, facts), prefix, rules) == ()


def test_an_answer_about_something_else_is_no_answer(registry: FakeRegistry, rules: Rules) -> None:
    registry.networks["192.0.2.0/24"]["prefix"] = "192.0.3.0/24"

    with pytest.raises(LookupFailed, match="does not hold"):
        walk.network(ip_network(ADDRESS), (registry.url,), rules)


def test_a_catch_all_is_found_but_chooses_nobody(registry: FakeRegistry, rules: Rules) -> None:
    found = walk.network(ip_network(ADDRESS), (f"{registry.url}catch_all",), rules)

    assert found.facts.kind is Kind.NETWORK
    assert found.facts.chosen is None


def test_a_contact_that_leaves_the_record_is_not_listed_any_more(
    registry: FakeRegistry, rules: Rules
) -> None:
    registry.remove_contact("192.0.2.0/24", "abuse@hosting.example")

    found = walk.network(ip_network(ADDRESS), (registry.url,), rules)

    assert [one.email for one in found.facts.contacts] == [
        "admin@hosting.example",
        "noc@hosting.example",
    ]


def test_an_entity_can_be_asked_for_by_its_handle(registry: FakeRegistry, rules: Rules) -> None:
    answer = rdap.fetch(walk.entity_url(registry.url, "AR100-DEMO"), rules)

    facts = reading.read(answer.document)
    assert [one.email for one in facts.contacts] == ["abuse@hosting.example"]


UP_FROM_26 = ["198.51.100.0/25", "198.51.100.0/24", "198.51.100.0/23"]


@pytest.mark.parametrize(
    ("first", "last", "wider"),
    [
        ("198.51.100.64", "198.51.100.127", UP_FROM_26),
        ("198.51.100.8", "198.51.100.99", UP_FROM_26),  # no prefix itself: its frame comes first
        ("198.0.0.0", "198.127.255.255", ["198.0.0.0/8"]),
        ("198.0.0.0", "198.255.255.255", []),
        ("2001:db8::", "2001:db8::ffff", ["2001:db8::/111", "2001:db8::/110", "2001:db8::/109"]),
    ],
)
def test_the_enclosing_prefixes_go_up_three_steps_and_not_to_the_registry(
    first: str, last: str, wider: list[str]
) -> None:
    facts = reading.read({"startAddress": first, "endAddress": last})

    assert [str(prefix) for prefix in walk.wider_prefixes(facts)] == wider

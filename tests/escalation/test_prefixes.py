"""Addresses and prefixes as people write them, and which of them are public."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation import prefixes
from escalation.prefixes import NotAnAddress, parse_prefix


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("198.51.100.25", "198.51.100.25/32"),
        (" [198.51.100.25] ", "198.51.100.25/32"),
        ("::ffff:198.51.100.25", "198.51.100.25/32"),
        ("[IPv6:2001:DB8::1]", "2001:db8::1/128"),
        ("2001:db8:0:0::/48", "2001:db8::/48"),
        ("::ffff:198.51.100.0/120", "198.51.100.0/24"),
    ],
)
def test_an_address_is_read_as_people_write_it(typed: str, meant: str) -> None:
    assert str(parse_prefix(typed)) == meant


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("mail.bank.example", "is not an IP address"),
        ("198.51.100.256", "is not an IP address"),
        ("198.051.100.025", "is not an IP address"),
        ("fe80::1%eth0", "has a zone"),
        ("198.51.100.25/24", "198.51.100.0/24"),
        ("", "is not an IP address"),
        ("1" * 5000, "is not an IP address"),
    ],
)
def test_what_is_no_address_is_refused_in_words_that_help(typed: str, words: str) -> None:
    with pytest.raises(NotAnAddress, match=words):
        parse_prefix(typed)


@pytest.mark.parametrize(
    "private",
    [
        "10.1.2.3", "127.0.0.1", "192.168.0.0/24", "100.64.1.1", "169.254.169.254", "224.0.0.1",
        "255.255.255.255", "0.0.0.0", "192.88.99.1", "198.18.0.1", "::1", "fe80::1", "fc00::1",
        "64:ff9b::a00:1", "2002:a00:1::", "fec0::1", "ff02::1", "2001::1", "100::1", "0.0.0.0/0",
        "::/0",
    ],
)  # fmt: skip
def test_what_is_not_public_is_known(private: str) -> None:
    assert not prefixes.is_public(ipaddress.ip_network(private))


@pytest.mark.parametrize("public", ["8.8.8.8", "1.1.1.0/24", "2a00:1450::1", "2606:4700::/32"])
def test_what_is_public_is_known(public: str) -> None:
    assert prefixes.is_public(ipaddress.ip_network(public))


def test_documentation_prefixes_pass_only_where_asked_for() -> None:
    example = ipaddress.ip_network("198.51.100.25")

    assert not prefixes.is_public(example)
    assert prefixes.is_public(example, documentation_too=True)


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@given(addresses, addresses)
def test_keys_sort_as_numbers_and_give_the_address_back(
    one: prefixes.Address, other: prefixes.Address
) -> None:
    if one.version == other.version:
        assert (prefixes.key(one) < prefixes.key(other)) == (one < other)  # type: ignore[operator]
    mapped = one.version == 6 and one.ipv4_mapped is not None
    assert mapped or prefixes.from_key(prefixes.key(one)) == one


@given(addresses, st.integers(0, 128))
def test_covering_prefixes_are_those_that_contain_it(
    address: prefixes.Address, length: int
) -> None:
    length = min(length, address.max_prefixlen)
    network = ipaddress.ip_network((address, length), strict=False)

    found = prefixes.covering(network)

    assert found[0] == str(network)
    assert len(found) == length + 1
    assert all(prefixes.contains(ipaddress.ip_network(text), network) for text in found)


@given(st.text(max_size=80))
def test_nothing_that_is_typed_breaks_the_parser(text: str) -> None:
    try:
        found = parse_prefix(text)
    except NotAnAddress:
        return
    assert parse_prefix(str(found)) == found

"""Nested listings and exceptions against a model that looks at every address."""

from ipaddress import IPv6Network, collapse_addresses, ip_network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from escalation import prefixes
from listings import ranges

BASES = {4: "198.51.100.0", 6: "2001:db8::"}
NARROW = 4  # prefixes of the last four bits: small enough to meet each other


@st.composite
def marks_of(draw: Any, family: int) -> list[tuple[Any, bool]]:
    """Prefixes that nest, touch and repeat, each listing or taking out."""
    bits = ranges.BITS[family]
    base = int(ip_network(BASES[family]).network_address)
    found = []
    for offset, size, lists in draw(
        st.lists(st.tuples(st.integers(0, 15), st.integers(0, NARROW), st.booleans()), max_size=12)
    ):
        number = base + (offset >> size << size)
        found.append((ip_network((number, bits - size)), lists))
    return found


def model(marks: list[tuple[Any, bool]], address: Any) -> bool:
    over = [(net.prefixlen, lists) for net, lists in marks if address in net]
    return max(over)[1] if over else False  # of two equal ones the listing counts


@given(st.sampled_from([4, 6]).flatmap(lambda family: st.tuples(st.just(family), marks_of(family))))
def test_the_feed_says_of_every_address_what_the_most_specific_prefix_says(
    case: tuple[int, list[tuple[Any, bool]]],
) -> None:
    family, marks = case
    ordered = sorted((int(net[0]), net.prefixlen, lists, int(net[-1])) for net, lists in marks)

    found = ranges.enforced((first, last, lists) for first, _n, lists, last in ordered)
    texts = [ip_network(text) for text in ranges.texts(found, family)]

    base = ip_network((BASES[family], ranges.BITS[family] - NARROW))
    assert [model(marks, address) for address in base] == [
        any(address in text for text in texts) for address in base
    ]
    assert texts == list(collapse_addresses(texts))  # type: ignore[type-var]


@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_a_prefix_of_ipv4_has_the_text_that_python_gives_it(number: int, length: int) -> None:
    first = number >> 32 - length << 32 - length

    assert prefixes.text(first, length, 4) == str(ip_network((first, length)))


@given(st.integers(0, 2**128 - 1), st.integers(0, 128), st.integers(0, 2**128 - 1))
def test_a_prefix_of_ipv6_has_the_text_that_python_gives_it(
    number: int, length: int, holes: int
) -> None:
    first = (number & holes) >> 128 - length << 128 - length

    assert prefixes.text(first, length, 6) == str(IPv6Network((first, length)))

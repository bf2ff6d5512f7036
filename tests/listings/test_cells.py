"""A cell in every notation says of each address what the list says: against a brute-force model."""

import itertools
import json
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation import prefixes
from escalation.prefixes import Prefix, parse_prefix
from listings import actions, cells
from listings.cells import Cell
from listings.notations import Notation
from listings.sinks import KINDS

# A small part of one cell, so that prefixes nest, meet and repeat.
BASES = {4: ip_network("198.51.100.0/28"), 6: ip_network("2001:db8:1:2::/124")}

Marks = dict[tuple[Prefix, bool], int]  # prefix and whether it lists, and a number


@st.composite
def marks(draw: st.DrawFn, family: int) -> Marks:
    base = BASES[family]
    found: Marks = {}
    for number in range(draw(st.integers(0, 12))):
        length = draw(st.integers(base.prefixlen, base.max_prefixlen))
        offset = draw(st.integers(0, 15))
        size = base.max_prefixlen - length
        start = int(base.network_address) + (offset >> size << size)
        prefix = parse_prefix(prefixes.text(start, length, family))
        found.setdefault((prefix, draw(st.booleans())), number + 1)
    return found


def cell_of(found: Marks) -> Cell | None:
    """The cell as the database would send it."""
    rows = []
    for (prefix, lists), number in found.items():
        columns = actions.columns(prefix)
        rows.append(
            (columns["first"], columns["after"], str(prefix), "trap" if lists else "", str(number))
        )
    if not rows:
        return None
    rows.sort(key=lambda row: (row[0], _descending(row[1]), row[3]))
    name = cells.name_of(next(iter(found))[0])
    return Cell(name, ["\t".join(row).encode() + b"\n" for row in rows])


def _descending(text: str) -> list[int]:
    return [-ord(sign) for sign in text]


def refused(found: Marks, address: str) -> bool:
    """The rule itself: the most specific decides, and of two equal ones the listing."""
    over = [(prefix.prefixlen, lists) for prefix, lists in found if ip_address(address) in prefix]
    return max(over)[1] if over else False


def addresses(family: int) -> list[str]:
    first = int(BASES[family].network_address)
    return [str(prefixes.parse_address(prefixes.text(first + n, BASES[family].max_prefixlen, family)
            .partition("/")[0])) for n in range(16)]  # fmt: skip


def by_flat(lines: list[bytes], address: str) -> bool:
    return any(ip_address(address) in ip_network(line.decode()) for line in lines)


def by_rbldnsd(lines: list[bytes], address: str) -> bool:
    """The longest prefix counts, ``!`` takes out; a repeated one is an error of ours."""
    texts = [line.decode().partition(" ")[0] for line in lines]
    over = [text for text in texts if ip_address(address) in ip_network(text.lstrip("!"))]
    assert len({text.lstrip("!") for text in texts}) == len(texts)
    return bool(over) and not max(over, key=lambda its: int(its.rpartition("/")[2])).startswith("!")


def by_postfix(lines: list[bytes], address: str) -> bool:
    """The first line that matches; ``if`` opens a block for what lies in it."""
    inside = True
    for line in lines:
        word, _space, rest = line.decode().partition(" ")
        if word == "if":
            inside = ip_address(address) in ip_network(rest)
        elif word == "endif":
            inside = True
        elif inside and ip_address(address) in ip_network(word):
            return rest.startswith("550")
    return False


def by_json(lines: list[bytes], address: str) -> bool:
    rows = [json.loads(line.removeprefix(b",")) for line in lines]
    over = [
        (ip_network(row["cidr"]).prefixlen, "class" in row)
        for row in rows
        if ip_address(address) in ip_network(row["cidr"])
    ]
    return max(over)[1] if over else False


READERS = {"flat": by_flat, "rbldnsd": by_rbldnsd, "postfix": by_postfix, "json": by_json}
NOTATIONS = {kind.NOTATION.name: kind.NOTATION for kind in KINDS.values()}


def test_every_notation_is_tried_here() -> None:
    assert set(NOTATIONS) == set(READERS)


@pytest.mark.parametrize("notation", NOTATIONS.values(), ids=NOTATIONS)
@pytest.mark.parametrize("family", [4, 6])
@given(data=st.data())
def test_a_cell_says_what_the_list_says(
    notation: Notation, family: int, data: st.DataObject
) -> None:
    found = data.draw(marks(family))
    cell = cell_of(found)
    lines = list(notation.lines(cell)) if cell is not None else []

    for address in addresses(family):
        assert READERS[notation.name](lines, address) == refused(found, address), (lines, address)


@given(data=st.data())
def test_the_flat_list_is_sorted_and_merged_as_far_as_it_goes(data: st.DataObject) -> None:
    cell = cell_of(data.draw(marks(4)))
    networks = [ip_network(line.decode()) for line in (cell.flat if cell else [])]

    for one, other in itertools.pairwise(networks):
        assert int(one.broadcast_address) < int(other.network_address)
        if one.prefixlen == other.prefixlen:  # two halves would be one
            assert one.supernet() != other.supernet()


def test_a_prefix_as_wide_as_a_cell_lies_in_one() -> None:
    for text in ("198.51.0.0/16", "2001:db8::/32"):
        prefix = parse_prefix(text)
        first, last = cells.keys_in(cells.name_of(prefix))
        assert (first, last) == prefixes.keys(prefix)

"""Thousands of addresses, every edge of every prefix: what enforces says what the database says."""

import json
import random
import subprocess
from bisect import bisect_right
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from escalation.prefixes import Address, Prefix, parse_address, parse_prefix
from listings import queries
from listings.models import Listing, ListingException, Publication, Sink
from listings.sinks.files import path_of
from listings.sinks.flat import FlatFile
from listings.sinks.rbldnsd import receipt
from listings.sinks.rbldnsd.receipt import name_in
from tests.listings.factories import let_in, make_exception, make_listing, publish
from tests.mta import nft
from tests.mta.files import URL, put_zones
from tests.mta.rbldnsd import RBLDNSD, ZONE, Rbldnsd
from tests.mta.servers import eventually

pytestmark = pytest.mark.django_db(transaction=True)
SEEDS = (7, 2026)
RANDOM = 1200  # addresses drawn in each round
ROUNDS = 3
BLOCKS = ("198.51.100.0/24", "203.0.113.0/24", "2001:db8:200::/56", "2001:db8:300:4::/112")


@pytest.fixture(autouse=True)
def postern(settings: Any, feeds: Path) -> None:
    settings.POSTERN_DEMO = True  # documentation addresses count as public
    settings.POSTERN_FEED_DIR = feeds
    settings.POSTERN_URL = URL
    settings.POSTERN_SHRINK_PERCENT = 100  # the draw may take out much at once


def drawn(block: str, chance: random.Random) -> Prefix:
    """A prefix of any length in a block, near its start so that many nest, meet and repeat."""
    outer = parse_prefix(block)
    size = min(outer.max_prefixlen - outer.prefixlen, 10)
    length = chance.randint(outer.max_prefixlen - size, outer.max_prefixlen)
    number = int(outer.network_address) + chance.randrange(1 << size)
    return type(outer)((number, length), strict=False)


def change(chance: random.Random) -> None:
    """List, take out of what is listed, list again inside, let in: in a drawn order."""
    for _step in range(60):
        block = chance.choice(BLOCKS)
        prefix = drawn(block, chance)
        if chance.random() < 0.5:
            make_listing(str(prefix), reason_class=chance.choice(["automatic", "range", "trap"]))
        elif chance.random() < 0.6:
            over = Listing.objects.enforced().covering(prefix).filter(length__lt=prefix.prefixlen)
            live = ListingException.objects.live().filter(prefix=str(prefix))
            if (listing := over.first()) is not None and not live.filter(listing=listing).exists():
                make_exception(listing, str(prefix))
                let_in(str(prefix), key=f"draw:{chance.random()}")
        else:
            let_in(str(prefix), key=f"draw:{chance.random()}")


def edges() -> set[Address]:
    """The first and the last address of every prefix, one before and one behind."""
    found: set[Address] = set()
    for model in (Listing, ListingException):
        for text in model.objects.values_list("prefix", flat=True):
            prefix = parse_prefix(text)
            first, last = prefix.network_address, prefix.broadcast_address
            found |= {first, last, first - 1, last + 1}
    return found


def asked_about(chance: random.Random) -> list[Address]:
    found = edges()
    while len(found) < RANDOM + 200:
        outer = ip_network(chance.choice(BLOCKS))
        found.add(parse_address(str(outer.network_address + chance.randrange(1 << 10))))
    return sorted(found, key=lambda one: (one.version, int(one)))


# -- What each says, of many addresses ----------------------------------------------------


def by_dns(addresses: list[Address]) -> set[Address]:
    refused: set[Address] = set()
    for start in range(0, len(addresses), 400):
        some = addresses[start : start + 400]
        answers = receipt.ask(
            ("127.0.0.1", RBLDNSD), [(name_in(ZONE, address), "A") for address in some]
        )
        refused |= {address for address in some if answers[name_in(ZONE, address), "A"].answer}
    return refused


def by_postmap(addresses: list[Address]) -> set[Address]:
    return {address for address, said in _searched("client_access", addresses) if said[:3] == "550"}


def by_postscreen(addresses: list[Address]) -> set[Address]:
    found = _searched("postscreen_access", addresses)
    return {address for address, said in found if said == "reject"}


def _searched(table: str, addresses: list[Address]) -> list[tuple[Address, str]]:
    done = subprocess.run(
        ["/usr/sbin/postmap", "-q", "-", f"cidr:{path_of(f'postfix/{table}.cidr')}"],
        input="".join(f"{address}\n" for address in addresses),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    pairs = (line.split("\t") for line in done.stdout.splitlines())
    return [(parse_address(key), said) for key, said in pairs]


def by_kernel(addresses: list[Address]) -> set[Address]:
    """Against the elements that the kernel lists of its sets, after ``nft -f``."""
    done = nft.load(path_of("nftables/sets.nft"))
    assert done.returncode == 0, done.stderr
    ranges = sorted(held(4) + held(6))
    firsts = [first for first, _last in ranges]
    refused = set()
    for address in addresses:
        place = (address.version, int(address))
        at = bisect_right(firsts, place) - 1
        if at >= 0 and place <= ranges[at][1]:
            refused.add(address)
    return refused


Place = tuple[int, int]


def held(family: int) -> list[tuple[Place, Place]]:
    words = ["nft", "-j", "list", "set", "inet", "postern", f"refused{family}"]
    told = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    elements = next(part["set"] for part in told["nftables"] if "set" in part).get("elem", [])
    return [_range(element) for element in elements]


def _range(element: Any) -> tuple[Place, Place]:
    if isinstance(element, str):
        address = parse_address(element)
        return (address.version, int(address)), (address.version, int(address))
    if "prefix" in element:
        prefix = parse_prefix(f"{element['prefix']['addr']}/{element['prefix']['len']}")
        first, last = prefix.network_address, prefix.broadcast_address
    else:
        first, last = (parse_address(end) for end in element["range"])
    return (first.version, int(first)), (last.version, int(last))


def by_plain(addresses: list[Address]) -> set[Address]:
    with FlatFile(path_of("plain.txt")) as file:
        return {address for address in addresses if file.touches(ip_network(address))}


def by_map(addresses: list[Address]) -> set[Address]:
    """As rspamd reads its map: any prefix that holds the address (a real one: test_fed.py)."""
    with FlatFile(path_of("rspamd/map.txt")) as file:
        return {address for address in addresses if file.touches(ip_network(address))}


def by_json(addresses: list[Address]) -> set[Address]:
    """As its README tells a program to read it."""
    rows = json.loads(path_of("json/list.json").read_bytes())["listings"]
    prefixes = [(ip_network(row["cidr"]), "class" in row) for row in rows]

    def refused(address: Address) -> bool:
        over = [(prefix.prefixlen, lists) for prefix, lists in prefixes if address in prefix]
        return max(over)[1] if over else False

    return {address for address in addresses if refused(address)}


READERS = {
    "rbldnsd": by_dns, "postmap": by_postmap, "postscreen": by_postscreen, "nft": by_kernel,
    "plain": by_plain, "map": by_map, "json": by_json,
}  # fmt: skip


def differences(one: set[Address], other: set[Address]) -> list[str]:
    return sorted(map(str, one ^ other))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_verdict_is_the_databases(room: Path, feeds: Path, seed: int) -> None:
    chance = random.Random(seed)
    put_zones(feeds, 0, {})
    nft.prepare(room)
    Sink.objects.create(name="names", kind="rbldnsd", server=f"127.0.0.1:{RBLDNSD}", zone=ZONE)
    for kind in ("plain", "postfix", "rspamd", "nftables", "json"):
        Sink.objects.create(name=kind, kind=kind)
    make_listing("192.0.2.1")
    try:
        with Rbldnsd(room, feeds):
            for _round in range(ROUNDS):
                change(chance)
                publish()
                addresses = asked_about(chance)
                wanted = {one for one in addresses if queries.listed(one) is not None}
                assert 0.05 < len(wanted) / len(addresses) < 0.95
                assert wanted == queries.listed_among(addresses)
                assert eventually(lambda: served_by_dns(newest()))
                for name, reader in READERS.items():
                    assert differences(reader(addresses), wanted) == [], name
    finally:
        nft.remove()


def newest() -> int:
    return Publication.objects.published().latest("serial").serial


def served_by_dns(serial: int) -> bool:
    answers = receipt.ask(("127.0.0.1", RBLDNSD), [(ZONE, "SOA")])
    return f" {serial} " in str(answers[ZONE, "SOA"].answer)

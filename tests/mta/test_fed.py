"""Servers that Postern feeds, each by its page: what they refuse is what the database refuses."""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from escalation.prefixes import Prefix, parse_address, parse_prefix
from listings import queries
from listings.editions import spooled
from listings.models import Publication, Receipt, Sink
from listings.sinks import fetched
from listings.sinks.rbldnsd import writer
from tests.jobs.test_kills import database_url
from tests.listings.factories import let_in, make_exception, make_listing, publish
from tests.mta import blocks, nft
from tests.mta.desk import Web
from tests.mta.files import URL, put_zones
from tests.mta.postfix import ACCEPTED, SENDER, SMTP, Postfix
from tests.mta.rbldnsd import RBLDNSD, ZONE, Rbldnsd, Unbound, ask
from tests.mta.rspamd import Rspamd
from tests.mta.servers import eventually

pytestmark = pytest.mark.django_db(transaction=True)
ELSEWHERE = "198.51.100.99"
SEED = 25
ASKED = 120  # addresses about which every server is asked
BLOCKS = ("198.51.100.0/24", "203.0.113.0/25", "2001:db8:200::/48", "2001:db8:300::/56")


@pytest.fixture(autouse=True)
def postern(settings: Any, feeds: Path, room: Path) -> None:
    settings.POSTERN_DEMO = True  # documentation addresses count as public
    settings.POSTERN_FEED_DIR = feeds
    settings.POSTERN_URL = URL
    settings.POSTERN_PUSH_DIR = str(nft.make_hook(room))


@pytest.fixture
def web(room: Path, feeds: Path) -> Iterator[Web]:
    environ = {
        "DATABASE_URL": database_url(), "POSTERN_DEMO": "yes", "POSTERN_FEED_DIR": str(feeds),
        "POSTERN_URL": URL,
    }  # fmt: skip
    with Web(room, environ) as server:
        yield server


@pytest.fixture
def packet_filter(room: Path) -> Iterator[None]:
    nft.prepare(room)
    yield
    nft.remove()


def proofs(sink: Sink) -> list[str]:
    return list(Receipt.objects.filter(sink=sink).order_by("pk").values_list("proof", flat=True))


def within(block: str, chance: random.Random) -> Prefix:
    """Some prefix in the first few addresses of a block."""
    outer = parse_prefix(block)
    number = int(outer.network_address) + chance.randrange(256)
    longest = outer.max_prefixlen
    return type(outer)((number, chance.randint(longest - 6, longest)), strict=False)


def some_list(chance: random.Random) -> None:
    """Listings with exceptions in them, and with listings inside and beside these."""
    for block in BLOCKS:
        listing = make_listing(block)
        for prefix in {within(block, chance) for _ in range(8)}:
            make_exception(listing, str(prefix))
        for prefix in {within(block, chance) for _ in range(8)}:
            make_listing(str(prefix))


def asked_about(chance: random.Random) -> list[str]:
    blocks_ = [parse_prefix(block) for block in BLOCKS]
    return [
        str(block.network_address + chance.randrange(300))
        for block in blocks_
        for _ in range(ASKED // len(blocks_))
    ]


def test_all_kinds_of_servers_refuse_what_the_database_refuses(
    room: Path, feeds: Path, web: Web, resolver: Unbound, packet_filter: None
) -> None:
    chance = random.Random(SEED)
    some_list(chance)
    put_zones(feeds, 0, {})
    scores = Sink.objects.create(name="scores", kind="rspamd")
    Sink.objects.create(name="names", kind="rbldnsd", server=f"127.0.0.1:{RBLDNSD}", zone=ZONE)
    Sink.objects.create(name="tables", kind="postfix")
    Sink.objects.create(name="drops", kind="nftables", push="nftables")
    token = fetched.make_token(scores)
    addresses = asked_about(chance)
    wanted = {address: queries.listed(parse_address(address)) is not None for address in addresses}
    assert 0.2 < sum(wanted.values()) / len(wanted) < 0.9

    with Rbldnsd(room, feeds), Rspamd(room, url=URL, name="scores", token=token) as rspamd:
        publish()
        assert eventually(all_have_proved), list(Sink.objects.values_list("name", "trouble"))
        assert wanted == {one: in_table(feeds, one) for one in wanted}
        assert wanted == {one: nft.holds(one) for one in wanted}
        assert wanted == {one: bool(ask(one, port=RBLDNSD)[1]) for one in wanted}
        assert wanted == {one: rspamd.verdict(one)[0] == "reject" for one in wanted}


def in_table(feeds: Path, address: str) -> bool:
    words = ["/usr/sbin/postmap", "-q", address, f"cidr:{feeds}/postfix/client_access.cidr"]
    return subprocess.run(words, capture_output=True, check=False).stdout.startswith(b"550 ")


def all_have_proved() -> bool:
    prove()
    return Receipt.objects.count() == Sink.objects.count()


def prove() -> None:
    """The look at the sinks that comes every ten seconds while any owes a receipt."""
    Publication.objects.published().update(due_at=timezone.now())
    publish()


def test_a_mail_server_elsewhere_fetches_its_table_whole_or_not_at_all(
    room: Path, feeds: Path, web: Web
) -> None:
    for address in (SENDER, ELSEWHERE, "198.51.100.98", "198.51.100.97"):
        make_listing(address)
    sink = Sink.objects.create(name="mx2", kind="postfix")
    publish()
    token = fetched.make_token(sink)
    place = room / "postern-table"
    place.mkdir()
    script = room / "postern-fetch"
    script.write_text(
        blocks.block("postfix", "fetch", login=f"mx2:{token}", url=URL, place=str(place))
    )
    main = blocks.block("postfix", "main.cf table", table=f"{place}/client_access.cidr")
    with Postfix(
        "elsewhere", room, listen="203.0.113.20", port=SMTP, domain="clinic.example", main=main
    ) as postfix:
        postfix.run("sh", str(script))
        assert postfix.comes_to_say(550)

        let_in(SENDER)
        publish()
        (place / "new.cidr").write_text("# what a fetch left that was cut off\n")
        postfix.run("sh", str(script))
        assert postfix.comes_to_say(ACCEPTED)
        assert postfix.offer(ELSEWHERE).code == 550
        prove()
        assert proofs(sink)[-1].startswith("fetched serial")
        before = (place / "client_access.cidr").stat().st_mtime_ns
        postfix.run("sh", str(script))
        assert (place / "client_access.cidr").stat().st_mtime_ns == before

        web.kill()
        with pytest.raises(subprocess.CalledProcessError):
            postfix.run("sh", str(script))
        assert postfix.offer(ELSEWHERE).code == 550


def test_the_packet_filter_is_filled_by_the_hook_and_that_is_its_receipt(
    room: Path, packet_filter: None, web: Web
) -> None:
    for address in (SENDER, ELSEWHERE, "198.51.100.98", "198.51.100.97"):
        make_listing(address)
    sink = Sink.objects.create(name="drops", kind="nftables", push="nftables")
    publish()
    assert (nft.holds(SENDER), nft.holds("198.51.100.96")) == (True, False)

    let_in(SENDER)
    publish()
    assert not nft.holds(SENDER)
    assert len(proofs(sink)) == 2

    elsewhere = Sink.objects.create(name="edge", kind="nftables")
    login, sets = f"edge:{fetched.make_token(elsewhere)}", str(room / "edge.nft")
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    script = blocks.block("nftables", "fetch", login=login, url=URL, sets=sets)
    subprocess.run(["sh", "-c", script], check=True)
    assert (nft.holds(ELSEWHERE), nft.holds(SENDER)) == (True, False)
    prove()
    assert proofs(elsewhere)[0].startswith("fetched serial")


def test_of_lists_within_a_second_each_has_a_second_of_its_own_as_rbldnsd_counts(
    feeds: Path,
) -> None:
    make_listing(SENDER)
    seconds = []
    for serial in range(1, 5):
        with spooled(serial, [writer.NOTATION]) as edition:
            writer.prepare(edition)
            writer.switch(edition)
        seconds.append(int((feeds / "rbldnsd/ip4.zone").stat().st_mtime))

    assert seconds == sorted(set(seconds))

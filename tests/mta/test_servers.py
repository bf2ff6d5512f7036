"""What docs/operate says of the mail servers, held against the servers themselves."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mta import blocks, files, nft, receivers
from tests.mta.files import URL, put, put_sets, put_tables, put_zones, refusal
from tests.mta.postfix import ACCEPTED, SENDER, SMTP, Postfix
from tests.mta.rbldnsd import RBLDNSD, Rbldnsd, Unbound, ask, tried
from tests.mta.servers import eventually

ELSEWHERE = "198.51.100.99"
SENDER6 = "2001:db8:200:10::25"
REFUSED = f"5.7.606 Mail from {SENDER} is refused: see {URL}/delist/?address={SENDER}"
ONE = {f"{SENDER}/32": "127.0.0.4", f"{SENDER6}/128": "127.0.0.4"}


@pytest.fixture(scope="module")
def rbldnsd(room: Path, feeds: Path) -> Iterator[Rbldnsd]:
    put_zones(feeds, 1, ONE)
    with Rbldnsd(room, feeds, check="-c 1s") as server:
        yield server


@pytest.fixture(scope="module")
def dns(room: Path, rbldnsd: Rbldnsd, resolver: Unbound) -> Iterator[Postfix]:
    with receivers.by_dns(room) as server:
        yield server


@pytest.fixture(scope="module")
def table(room: Path, feeds: Path) -> Iterator[Postfix]:
    put_tables(feeds, 1, [])
    with receivers.by_table(room, feeds) as server:
        yield server


def publish(feeds: Path, serial: int, listed: dict[str, str]) -> None:
    """New zone files, and the wait until both are served."""
    put_zones(feeds, serial, listed)
    for address in ("127.0.0.2", "::ffff:7f00:2"):
        assert eventually(lambda: served(address) == serial, 5), served(address)  # noqa: B023


def served(address: str = "127.0.0.2") -> int:
    _code, texts, _ttl = ask(address, "TXT", RBLDNSD)
    return int(texts[0].rpartition(" ")[2]) if texts else 0


# -- rbldnsd ----------------------------------------------------------------------------


def test_the_page_of_rbldnsd_tells_what_to_try_and_what_it_answers(
    feeds: Path, rbldnsd: Rbldnsd, resolver: Unbound
) -> None:
    publish(feeds, 7, ONE)

    said = [subprocess.check_output(words, text=True).strip() for words in tried()]

    assert said == ["127.0.0.2", '"Test entry of this list, serial 7"', ""]


@pytest.mark.parametrize("address", [SENDER, SENDER6])
def test_rbldnsd_answers_for_a_listing_of_either_family_for_a_minute(
    address: str, feeds: Path, rbldnsd: Rbldnsd
) -> None:
    publish(feeds, 8, ONE)

    text = f"Mail from {address} is refused: see {URL}/delist/?address={address}"
    assert ask(address, port=RBLDNSD) == ("NOERROR", ["127.0.0.4"], 60)
    assert ask(address, "TXT", RBLDNSD) == ("NOERROR", [text], 60)
    assert ask("::ffff:7f00:1", port=RBLDNSD) == ("NXDOMAIN", [], 0)


def test_an_exception_and_a_listing_in_it_are_one_file_each_family(
    feeds: Path, rbldnsd: Rbldnsd
) -> None:
    nested = {
        "198.51.100.0/24": "127.0.0.9", "198.51.100.0/28": "!", "198.51.100.7/32": "127.0.0.3",
        "2001:db8:200::/48": "127.0.0.9", "2001:db8:200:10::/64": "!",
    }  # fmt: skip
    publish(feeds, 9, nested)

    asked = ("198.51.100.200", "198.51.100.6", "198.51.100.7", "2001:db8:200:11::1", SENDER6)
    codes = [ask(address, port=RBLDNSD)[1] for address in asked]
    assert codes == [["127.0.0.9"], [], ["127.0.0.3"], ["127.0.0.9"], []]


def test_rbldnsd_takes_a_file_of_the_same_size_and_second_for_the_old_one(
    feeds: Path, rbldnsd: Rbldnsd
) -> None:
    publish(feeds, 30, ONE)
    before = (feeds / "rbldnsd/ip4.zone").stat().st_mtime

    put_zones(feeds, 31, ONE)
    os.utime(feeds / "rbldnsd/ip4.zone", (before, before))
    time.sleep(2)

    assert served() == 30
    publish(feeds, 32, ONE)


# -- Postfix by DNS -----------------------------------------------------------------------


def test_by_dns_a_sender_reads_the_address_and_where_to_turn_to(feeds: Path, dns: Postfix) -> None:
    publish(feeds, 10, ONE)

    said = dns.comes_to_say(550)
    assert said is not None
    assert said.text == REFUSED
    assert dns.offer(ELSEWHERE).accepted


def offers_until(dns: Postfix, *, refused: bool, most: int = 30) -> int:
    """How many offers it takes until the answer is that; 0 if it never is."""
    for n in range(1, most):
        if dns.offer().accepted != refused:
            return n
    return 0


def test_by_dns_a_removal_counts_when_the_few_uses_of_a_process_are_up(
    feeds: Path, dns: Postfix
) -> None:
    publish(feeds, 11, ONE)
    assert offers_until(dns, refused=True)

    publish(feeds, 12, {})

    assert 1 <= offers_until(dns, refused=False) <= 12  # two processes, five uses each


def test_the_error_codes_of_resolvers_refuse_nobody(feeds: Path, dns: Postfix) -> None:
    publish(feeds, 13, {f"{ELSEWHERE}/32": "127.255.255.254"})

    assert ask(ELSEWHERE)[1] == ["127.255.255.254"]
    assert dns.offer(ELSEWHERE).accepted


def test_without_rbldnsd_or_without_its_files_mail_comes_in(
    feeds: Path, dns: Postfix, rbldnsd: Rbldnsd
) -> None:
    publish(feeds, 14, ONE)
    assert offers_until(dns, refused=True)
    dns.run("postfix", "reload")

    rbldnsd.kill()
    assert dns.comes_to_say(ACCEPTED)
    (feeds / "rbldnsd/ip4.zone").unlink()
    rbldnsd.start()
    time.sleep(0.5)
    assert dns.offer(ELSEWHERE).accepted

    put_zones(feeds, 15, ONE)
    rbldnsd.restart()
    dns.run("postfix", "reload")
    assert dns.comes_to_say(550)


# -- Postfix by a table ---------------------------------------------------------------------


def test_by_table_a_sender_reads_the_same_and_exceptions_come_first(
    feeds: Path, table: Postfix
) -> None:
    lines = [
        f"{SENDER}/32 {refusal(SENDER)}",
        "198.51.100.16/28 DUNNO",
        f"198.51.100.0/24 {refusal('198.51.100.0/24')}",
    ]
    put_tables(feeds, 2, lines)
    receivers.reload(table, feeds)

    said = table.comes_to_say(550)
    assert said is not None
    assert said.text.endswith(f"{refusal(SENDER).partition('5.7.606 ')[2]}")
    assert said.text.startswith("5.7.606 ")
    assert table.comes_to_say(ACCEPTED, "198.51.100.17")
    assert table.comes_to_say(550, "198.51.100.99")


def test_a_process_keeps_its_table_until_it_is_reloaded(feeds: Path, table: Postfix) -> None:
    put_tables(feeds, 3, [f"{SENDER}/32 {refusal(SENDER)}"])
    receivers.reload(table, feeds)
    assert table.comes_to_say(550)

    with table.session(SENDER) as client:  # of one process: another would read the new table
        client.mail("accounts@bank.example")
        assert client.rcpt("dana@clinic.example")[0] == 550
        put_tables(feeds, 4, [])
        assert client.rcpt("dana@clinic.example")[0] == 550

    receivers.reload(table, feeds)
    assert table.comes_to_say(ACCEPTED)


def test_nothing_is_reloaded_when_the_table_lacks_its_canary(feeds: Path, table: Postfix) -> None:
    put(feeds / "postfix/client_access.cidr", "192.0.2.0/24 DUNNO\n")

    with pytest.raises(subprocess.CalledProcessError):
        receivers.reload(table, feeds)


def test_the_unit_watches_the_tables_that_the_page_names(feeds: Path) -> None:
    watched = blocks.watched(blocks.block("postfix", "path", feeds=str(feeds)))
    assert [path.name for path in watched] == ["client_access.cidr", "postscreen_access.cidr"]


def test_a_missing_table_makes_all_mail_wait(feeds: Path, table: Postfix) -> None:
    (feeds / "postfix/client_access.cidr").unlink()
    table.run("postfix", "reload")

    assert table.comes_to_say(451, ELSEWHERE)
    put_tables(feeds, 5, [])
    receivers.reload(table, feeds)
    assert table.comes_to_say(ACCEPTED, ELSEWHERE)


def test_an_exclamation_mark_in_a_table_means_everything_but(room: Path, table: Postfix) -> None:
    wrong = room / "wrong.cidr"
    wrong.write_text("!192.0.2.0/24 REJECT\n")

    assert table.run("postmap", "-q", SENDER, f"cidr:{wrong}") == "REJECT\n"


# -- postscreen --------------------------------------------------------------------------------


def test_postscreen_refuses_without_our_words(
    room: Path, feeds: Path, rbldnsd: Rbldnsd, resolver: Unbound
) -> None:
    publish(feeds, 16, {"198.51.100.26/32": "127.0.0.4"})
    put(feeds / "postfix/postscreen_access.cidr", f"{SENDER}/32 reject\n")
    with receivers.by_postscreen(room, feeds) as postscreen:
        by_table, by_dns = postscreen.offer(), postscreen.offer("198.51.100.26")
        put(feeds / "postfix/postscreen_access.cidr", "# nobody\n")
        still = postscreen.offer()
        postscreen.run("postfix", "reload")

        assert (by_table.code, by_table.text) == (521, "5.3.2 Service currently unavailable")
        assert by_dns.code == 550
        assert "blocked using bl.mail.example" in by_dns.text
        assert still.code == 521
        assert eventually(lambda: postscreen.offer().accepted, 10)


# -- nftables ------------------------------------------------------------------------------------


def test_the_packet_filter_drops_who_is_in_its_sets_and_only_at_port_25(
    room: Path, feeds: Path, table: Postfix
) -> None:
    nft.prepare(room)
    target = (table.listen, SMTP)
    put_sets(feeds, [f"{SENDER}/32", f"{SENDER6}/128"])
    nft.apply(room, feeds)
    assert (nft.reaches(SENDER, target), nft.reaches(ELSEWHERE, target)) == (False, True)

    put_sets(feeds, [f"{ELSEWHERE}/32"])
    nft.apply(room, feeds)
    assert (nft.reaches(SENDER, target), nft.reaches(ELSEWHERE, target)) == (True, False)

    put(feeds / "nftables/sets.nft", "flush set inet postern refused4\nadd element nonsense\n")
    with pytest.raises(subprocess.CalledProcessError):
        nft.apply(room, feeds)
    assert not nft.reaches(ELSEWHERE, target)
    nft.remove()


# -- The pages ---------------------------------------------------------------------------------


def test_every_block_of_the_pages_is_used() -> None:
    used = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    unused = [
        (page, name)
        for page in blocks.PAGES
        for name in blocks.named(page)
        if f'block("{page}", "{name}"' not in used
    ]
    assert unused == []
    assert files.URL.startswith("http://127.")

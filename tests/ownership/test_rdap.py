"""The client against a registry that misbehaves in every way we know."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ownership import rdap, wire
from ownership.fake_registry import RETRY_AFTER, FakeRegistry
from ownership.rdap import LookupFailed, NotFound, Rules, TryLater
from ownership.wire import PeerRefused

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


def test_an_answer_comes_with_where_it_is_from_and_its_hash(
    registry: FakeRegistry, rules: Rules
) -> None:
    answer = rdap.fetch(url(registry), rules)

    assert answer.document["handle"] == "192.0.2.0 - 192.0.2.255"
    assert (answer.url, answer.final_url, answer.chain) == (url(registry), url(registry), ())
    assert answer.sha256 == hashlib.sha256(answer.body).hexdigest()
    assert (answer.status, answer.host) == (200, "127.0.0.1")
    assert answer.read_at.tzinfo == UTC


def test_a_request_names_the_operator_and_what_it_wants(
    registry: FakeRegistry, rules: Rules
) -> None:
    rdap.fetch(url(registry), rules)

    headers = registry.log[0].headers
    assert headers["Accept"] == "application/rdap+json"
    assert headers["User-Agent"] == "Postern/1 (+https://desk.example)"
    assert "Cookie" not in headers


def test_a_redirect_to_an_allowed_host_is_followed_and_kept(
    registry: FakeRegistry, rules: Rules
) -> None:
    answer = rdap.fetch(url(registry, "redirect"), rules)

    assert answer.chain == (url(registry, "redirect"),)
    assert answer.final_url == url(registry, "plain")


def test_a_redirect_to_another_host_is_refused_before_it_is_asked(
    registry: FakeRegistry, rules: Rules
) -> None:
    with pytest.raises(LookupFailed, match=r"leads to registry\.invalid, not allowed"):
        rdap.fetch(url(registry, "redirect_abroad"), rules)


def test_redirects_end(registry: FakeRegistry, rules: Rules) -> None:
    with pytest.raises(LookupFailed, match="more than 5 redirects"):
        rdap.fetch(url(registry, "redirect_loop"), rules)

    assert len(registry.log) == 6


def test_the_registry_may_ask_for_a_pause_and_is_not_asked_again(
    registry: FakeRegistry, rules: Rules
) -> None:
    paused: list[tuple[str, float]] = []
    listening = replace(rules, pause=lambda host, seconds: paused.append((host, seconds)))

    with pytest.raises(TryLater) as caught:
        rdap.fetch(url(registry, "rate_limited"), listening)

    assert paused == [("127.0.0.1", RETRY_AFTER)]
    assert (caught.value.seconds, caught.value.after) == (RETRY_AFTER, RETRY_AFTER)
    assert caught.value.host == "127.0.0.1"
    assert len(registry.log) == 1


def test_not_found_is_an_answer(registry: FakeRegistry, rules: Rules) -> None:
    with pytest.raises(NotFound):
        rdap.fetch(url(registry, "not_found"), rules)
    with pytest.raises(NotFound):
        rdap.fetch(url(registry, address="192.0.3.1"), rules)


@pytest.mark.parametrize("mood", ["server_error", "not_json", "deep"])
def test_a_broken_answer_is_a_failed_look_up_and_tried_once(
    mood: str, registry: FakeRegistry, rules: Rules
) -> None:
    with pytest.raises(LookupFailed) as caught:
        rdap.fetch(url(registry, mood), rules)

    assert caught.value.after is None
    assert len(registry.log) == 1


def test_a_flood_is_cut_off(registry: FakeRegistry, rules: Rules) -> None:
    with pytest.raises(LookupFailed, match="more than 1048576 bytes"):
        rdap.fetch(url(registry, "flood"), rules)


@pytest.mark.parametrize("mood", ["drip", "slow_headers"])
def test_a_drip_ends_with_the_total_time_whatever_each_read_takes(
    mood: str, registry: FakeRegistry, rules: Rules
) -> None:
    began = time.monotonic()

    with pytest.raises(LookupFailed, match=r"no full answer within 0\.5 s"):
        rdap.fetch(url(registry, mood), replace(rules, total=0.5))

    assert 0.4 < time.monotonic() - began < 25  # it drips for 100 s


def test_redirects_share_the_total_time(registry: FakeRegistry, rules: Rules) -> None:
    with pytest.raises(LookupFailed, match="no full answer"):
        rdap.fetch(url(registry, "redirect_loop"), replace(rules, total=0.0))


def test_a_silent_server_runs_into_the_read_timeout(registry: FakeRegistry, rules: Rules) -> None:
    with pytest.raises(LookupFailed, match="Timeout"):
        rdap.fetch(url(registry, "slow_headers"), replace(rules, read=0.01))


def test_a_server_that_is_not_there_is_a_failed_look_up(rules: Rules) -> None:
    with FakeRegistry() as gone:
        place, address = gone.place, url(gone)

    with pytest.raises(LookupFailed):
        rdap.fetch(address, replace(rules, hosts=frozenset({place})))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("http://rdap.example/ip/192.0.2.1", "is not https"),
        ("ftp://rdap.example/ip/192.0.2.1", "is not https"),
        ("file:///etc/passwd", "is not https"),
        ("https://other.example/ip/192.0.2.1", "leads to other.example"),
        ("https://rdap.example.other.example/", "not allowed"),
        ("https://rdap.example:8443/ip/192.0.2.1", "not allowed"),
        ("https://rdap.example@other.example/", "user name"),
        ("https://me:pw@rdap.example/", "user name"),
        ("https://rdap.example\\@other.example/", "characters"),
        ("https://rdap.example/\r\nX: y", "characters"),
        ("https://rdap.example:99999/", "no URL"),
        ("https://[/", "no URL"),
        ("http://127.0.0.1/", "is not https"),
    ],
)
def test_only_https_to_allowed_hosts_is_asked(target: str, words: str) -> None:
    rules = Rules(frozenset({"rdap.example"}))

    with pytest.raises(LookupFailed, match=words):
        rdap.fetch(target, rules)

    assert not rdap.permitted(target, rules)


def test_a_connection_that_ends_inside_is_refused_before_anything_is_asked(
    registry: FakeRegistry,
) -> None:
    watch = wire.Watch(time.monotonic() + 5)

    with watch, wire.pool(registry.url, watch) as pool, pytest.raises(PeerRefused, match="public"):
        pool.urlopen("GET", "/ip/192.0.2.1", retries=False)

    assert registry.log == []


def test_loopback_is_only_for_the_registry_that_the_rules_name(registry: FakeRegistry) -> None:
    strict = Rules(frozenset({registry.place}))

    with pytest.raises(LookupFailed):
        rdap.fetch(url(registry), strict)
    with pytest.raises(LookupFailed):
        rdap.fetch(url(registry).replace("http:", "https:"), strict)

    assert registry.log == []


def test_plain_http_links_of_old_registries_are_asked_by_https(rules: Rules) -> None:
    assert rdap.secured("http://rdap.example/x", rules) == "https://rdap.example/x"
    assert rdap.secured("http://127.0.0.1:1/x", rules) == "http://127.0.0.1:1/x"
    assert rdap.secured("http://127.0.0.1:1/x", Rules(frozenset())) == "https://127.0.0.1:1/x"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 1),
        ("9" * 40, 24 * 3600),
        ("Mon, 23 Nov 2026 12:05:00 GMT", 300),
        ("Sun, 22 Nov 2026 12:00:00 GMT", 1),
        ("", 60),
        ("soon", 60),
        ("-5", 60),
        ("²", 60),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_bounds(value: str, seconds: float) -> None:
    assert rdap.retry_after(value, datetime(2026, 11, 23, 12, tzinfo=UTC)) == seconds

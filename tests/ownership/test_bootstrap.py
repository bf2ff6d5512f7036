"""Which registry is asked, and how old the table may be."""

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from ownership import bootstrap
from ownership.bootstrap import BadBootstrap, Bootstrap

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def make_file(*services: object) -> str:
    return json.dumps({"version": "1.0", "services": list(services)})


@pytest.mark.parametrize(
    ("prefix", "host"),
    [
        ("8.8.8.8", "rdap.arin.net"),
        ("193.0.6.139", "rdap.db.ripe.net"),
        ("1.1.1.1", "rdap.apnic.net"),
        ("200.160.2.3", "rdap.lacnic.net"),
        ("196.216.2.1", "rdap.afrinic.net"),
        ("2001:4860:4860::8888", "rdap.arin.net"),
        ("2001:67c:2e8::1", "rdap.db.ripe.net"),
        ("2001:dc0::/32", "rdap.apnic.net"),
        ("2801::/48", "rdap.lacnic.net"),
        ("2c0f:f000::/32", "rdap.afrinic.net"),
    ],
)
def test_the_bundled_copy_knows_every_region(prefix: str, host: str) -> None:
    (url,) = bootstrap.bundled().base_urls(ip_network(prefix))

    assert url.startswith(f"https://{host}/")
    assert url.endswith("/")


@pytest.mark.parametrize("prefix", ["10.0.0.1", "127.0.0.1", "224.0.0.1", "3fff::1", "fe80::1"])
def test_nobody_is_asked_about_what_no_registry_keeps(prefix: str) -> None:
    assert bootstrap.bundled().base_urls(ip_network(prefix)) == ()


def test_the_bundled_copy_names_each_block_once() -> None:
    prefixes = [prefix for prefix, _ in bootstrap.bundled().prefixes]

    assert len(prefixes) == len(set(prefixes))
    assert sum(1 for prefix in prefixes if prefix.version == 4) == 221


def test_autonomous_systems_are_found_by_number() -> None:
    copy = bootstrap.bundled()

    assert copy.autnum_urls(13335) == ("https://rdap.arin.net/registry/",)
    assert copy.autnum_urls(3333) == ("https://rdap.db.ripe.net/",)
    assert copy.autnum_urls(64512) == ()


def test_the_longest_match_counts() -> None:
    copy = bootstrap.parse(
        "ipv4",
        make_file(
            [["198.0.0.0/8"], ["https://wide.example/"]],
            [["198.51.0.0/16"], ["http://plain.example/", "https://narrow.example/rdap"]],
        ),
    )

    assert copy.base_urls(ip_network("198.51.100.1")) == ("https://narrow.example/rdap/",)
    assert copy.base_urls(ip_network("198.52.0.0/16")) == ("https://wide.example/",)
    assert copy.hosts == {"wide.example", "narrow.example"}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("ipv4", ""),
        ("ipv4", "[]"),
        ("ipv4", "[" * 100_000),
        ("ipv4", make_file()),
        ("ipv4", make_file("x")),
        ("ipv4", make_file([["198.51.100.1/24"], ["https://a.example/"]])),
        ("ipv4", make_file([["2001:db8::/32"], ["https://a.example/"]])),
        ("ipv4", make_file([["198.51.100.0/24"], ["http://a.example/"]])),
        ("ipv4", make_file([["198.51.100.0/24"], [7, "https://[", None]])),
        ("asn", make_file([["7-3"], ["https://a.example/"]])),
        ("asn", make_file([["x"], ["https://a.example/"]])),
    ],
)
def test_a_file_that_is_broken_or_empty_is_refused_as_a_whole(name: str, body: str) -> None:
    with pytest.raises(BadBootstrap):
        bootstrap.parse(name, body)


def test_files_are_put_together_with_the_time_of_the_oldest() -> None:
    copy = bootstrap.combined(
        {
            "ipv4": make_file([["198.51.100.0/24"], ["https://a.example/"]]),
            "asn": make_file([["64496-64511"], ["https://a.example/"]]),
        },
        NOW,
    )

    assert copy.base_urls(ip_network("198.51.100.1"))
    assert copy.autnum_urls(64500)
    assert copy.read_at == NOW


@pytest.mark.parametrize(
    ("age", "fit"), [(timedelta(hours=48), True), (timedelta(hours=48, seconds=1), False)]
)
def test_a_copy_older_than_two_days_is_not_written_by(age: timedelta, fit: bool) -> None:
    copy = Bootstrap((), read_at=NOW - age)

    assert copy.age(NOW) == age
    assert copy.fit_for_sending(NOW) is fit


def test_the_bundled_copy_is_never_written_by() -> None:
    assert not bootstrap.bundled().fit_for_sending(NOW)

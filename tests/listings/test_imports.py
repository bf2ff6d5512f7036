"""Bulk work: files in, files out, addresses checked."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from listings.lifecycle import State
from listings.models import Listing, ListingEntry, ListingException, Publication
from tests.listings.factories import let_in, lister_of, make_exception, make_listing, publish

pytestmark = pytest.mark.django_db
Bring = Callable[..., str]


@pytest.fixture
def bring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bring:
    """Import a text as a file and return what the command prints."""

    def run(text: str, *options: str, name: str = "list.txt") -> str:
        file = tmp_path / name
        file.write_text(text)
        call_command("listings", "import", str(file), *options)
        return capsys.readouterr().out

    return run


def prefixes_now() -> list[str]:
    return [row.prefix for row in Listing.objects.enforced().order_by("first", "length")]


def test_a_plain_file_becomes_listings_with_history_and_one_serial(bring: Bring) -> None:
    said = bring(
        "# ours\n198.51.100.7\n198.51.101.0/24  # a range\n\n2001:DB8::1\n", "--class", "trap"
    )

    assert prefixes_now() == ["198.51.100.7/32", "198.51.101.0/24", "2001:db8::1/128"]
    assert set(Listing.objects.values_list("reason_class", "source")) == {("trap", "list.txt")}
    steps = ListingEntry.objects.values_list("event", "source", "target", "role")
    assert set(steps) == {("activate", "pending", "active", "desk")}
    assert ListingEntry.objects.count() == 3
    serial = Publication.objects.waiting().get().serial
    assert said == f"3 added. Serial {serial} has it.\n"


def test_the_same_file_again_changes_nothing(bring: Bring) -> None:
    text = "198.51.0.0/16\n!198.51.100.0/24\n198.51.100.7 :127.0.0.4:seen\n"
    bring(text, "--format", "ip4trie", "--expires-days", "30")
    publish()
    before = list(Listing.objects.order_by("pk").values()), Publication.objects.count()

    said = bring(text, "--format", "ip4trie", "--expires-days", "30")

    assert said == "2 unchanged.\n"
    assert (list(Listing.objects.order_by("pk").values()), Publication.objects.count()) == before


def test_a_file_with_bad_lines_is_refused_as_a_whole(
    bring: Bring, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "198.51.100.7\n198.51.100.300\n10.0.0.1\n198.0.0.0/8\n198.51.100.9/24\n"

    with pytest.raises(CommandError, match="Nothing was imported: 4 bad lines"):
        bring(text)

    complaints = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in complaints] == ["line 2", "line 3", "line 4", "line 5"]
    assert "is not an IP address" in complaints[0]
    assert "not public" in complaints[1]
    assert "wider than /16" in complaints[2]
    assert "Did you mean 198.51.100.0/24" in complaints[3]
    assert not Listing.objects.exists()


def test_the_good_lines_are_imported_when_that_is_asked_for(bring: Bring) -> None:
    said = bring("198.51.100.7\nnonsense\n", "--skip-bad")

    assert prefixes_now() == ["198.51.100.7/32"]
    assert "1 bad lines skipped" in said


def test_protected_space_is_refused_line_by_line(
    bring: Bring, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.POSTERN_PROTECTED = ["81.2.69.0/24"]

    with pytest.raises(CommandError):
        bring("81.2.69.142\n81.2.70.1\n198.41.0.4\n")

    assert [line[:6] for line in capsys.readouterr().err.splitlines()] == ["line 1", "line 3"]


def test_a_table_brings_every_fact(bring: Bring) -> None:
    bring(
        "prefix,reason_class,source,listed_at,expires_at,evidence\n"
        '198.51.100.7,policy,pbl,2026-01-31,2099-01-31T08:00:00Z,"no name, dynamic"\n'
        "198.51.100.8,,,,,\n",
        "--format", "csv", "--source", "other",
    )  # fmt: skip

    first, second = Listing.objects.order_by("first")
    assert (first.reason_class, first.source, first.evidence) == (
        "policy", "pbl", "no name, dynamic"
    )  # fmt: skip
    assert first.listed_at == datetime(2026, 1, 31, tzinfo=UTC)
    assert first.expires_at == datetime(2099, 1, 31, 8, tzinfo=UTC)
    assert (second.reason_class, second.source, second.expires_at) == ("automatic", "other", None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("198.51.100.7\n", "first line must name"),
        ("prefix,colour\n198.51.100.7,red\n", "unknown columns colour"),
        ("prefix,reason_class\n198.51.100.7,red\n", "not a reason class"),
        ("prefix,expires_at\n198.51.100.7,tomorrow\n", "not a date"),
        ("prefix,expires_at\n198.51.100.7,2001-01-01\n", "expired already"),
        ("prefix\n198.51.100.7,red\n", "more fields"),
    ],
)
def test_a_table_that_is_not_understood_says_why(
    bring: Bring, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    with pytest.raises(CommandError):
        bring(text, "--format", "csv")

    assert words in capsys.readouterr().err


def test_a_zone_file_is_read_with_defaults_exclusions_and_comments(bring: Bring) -> None:
    bring(
        "$SOA 60 bl.example. hostmaster.bl.example. 0 1h 15m 7d 60\n"
        "$TTL 60\n"
        "$1 case\n"
        ":127.0.0.9:Range $ $1\n"
        "198.51.100 ; the whole /24\n"
        "!198.51.100.64/26\n"
        "198.51.100.70 :127.0.0.5:by hand, costs $$5\n"
        "203.0.113.0-3 A plain text\n"
        ":4:\n"
        "192.0.2.128/25\n"
        "# test entries, RFC 5782\n"
        "127.0.0.2 :127.0.0.2:test\n",
        "--format", "ip4set",
    )  # fmt: skip

    found = {row.prefix: (row.reason_class, row.evidence) for row in Listing.objects.all()}
    assert found == {
        "198.51.100.0/24": ("range", "Range 198.51.100.0/24 case"),
        "198.51.100.70/32": ("manual", "by hand, costs $5"),
        "203.0.113.0/30": ("range", "A plain text"),
        "192.0.2.128/25": ("automatic", ""),
    }
    assert ListingException.objects.get().prefix == "198.51.100.64/26"
    assert lister_of("198.51.100.71") == ""
    assert lister_of("198.51.100.70") == "198.51.100.70/32"


def test_a_zone_file_of_ipv6_leaves_out_groups_at_the_end(bring: Bring) -> None:
    bring(
        "2001:db8:1 whole\n!2001:db8:1:2::/64\n2001:db8:1:2::5\n2001:db8:2:0:0:0:0:1\n"
        "::ffff:127.0.0.2\n",
        "--format", "ip6trie",
    )  # fmt: skip

    assert prefixes_now() == ["2001:db8:1::/48", "2001:db8:1:2::5/128", "2001:db8:2::1/128"]
    assert lister_of("2001:db8:1:2::6") == ""
    assert lister_of("2001:db8:1:2::5") == "2001:db8:1:2::5/128"


@pytest.mark.parametrize("text", ["198.51.100.9-7\n", "hello\n", "198.51.100.1.5\n", "300\n"])
def test_a_zone_line_that_names_no_prefix_is_bad(bring: Bring, text: str) -> None:
    with pytest.raises(CommandError):
        bring(text, "--format", "ip4set")


def test_a_prefix_that_a_file_lists_and_takes_out_is_bad(bring: Bring) -> None:
    with pytest.raises(CommandError):
        bring("198.51.100.0/24\n!198.51.100.0/24\n", "--format", "ip4trie")


def test_what_the_file_lacks_is_removed_when_that_is_asked_for(bring: Bring) -> None:
    other = make_listing("203.0.113.7", source="another")
    bring("".join(f"198.51.100.{n}\n" for n in range(10)), "--source", "trap")

    bring("".join(f"198.51.100.{n}\n" for n in range(8)), "--source", "trap", "--remove-missing")

    assert lister_of("198.51.100.9") == ""
    assert Listing.objects.filter(state=State.PENDING_REMOVAL).count() == 2
    other.refresh_from_db()
    assert other.state == State.ACTIVE


def test_a_file_that_lacks_much_of_its_source_is_refused(bring: Bring) -> None:
    bring("".join(f"198.51.100.{n}\n" for n in range(10)))

    with pytest.raises(CommandError, match="lacks 9 of the 11 listings"):
        bring("198.51.100.1\n198.51.100.77\n", "--remove-missing")

    assert len(prefixes_now()) == 10
    bring("198.51.100.1\n198.51.100.77\n", "--remove-missing", "--allow-shrink")
    assert prefixes_now() == ["198.51.100.1/32", "198.51.100.77/32"]


def test_what_is_on_its_way_out_is_listed_again(bring: Bring) -> None:
    bring("198.51.100.7\n198.51.100.8\n")
    bring("198.51.100.8\n", "--remove-missing", "--allow-shrink")

    said = bring("198.51.100.7\n198.51.100.8\n")

    assert "1 unchanged, 1 listed again" in said
    assert lister_of("198.51.100.7") == "198.51.100.7/32"


def test_what_was_let_in_lately_does_not_come_back_with_an_old_file(bring: Bring) -> None:
    text = "198.51.100.7\n198.51.100.8\n"
    bring(text)
    let_in("198.51.100.7")

    said = bring(text)

    assert "1 let in lately" in said
    assert lister_of("198.51.100.7") == ""
    bring(text, "--again")
    assert lister_of("198.51.100.7") == "198.51.100.7/32"


def test_what_was_seen_after_it_was_let_in_is_listed(bring: Bring) -> None:
    make_listing("198.51.100.7")
    let_in("198.51.100.0/28")
    seen = (timezone.now() + timedelta(minutes=1)).isoformat()

    bring(f"prefix,listed_at\n198.51.100.7,{seen}\n", "--format", "csv")

    assert lister_of("198.51.100.7") == "198.51.100.7/32"


def test_a_later_expiry_prolongs_a_listing(bring: Bring) -> None:
    bring("198.51.100.7\n", "--expires-days", "2")
    said = bring("198.51.100.7\n", "--expires-days", "30")

    assert said.startswith("1 prolonged")
    until = Listing.objects.get().expires_at
    assert until is not None
    assert until > timezone.now() + timedelta(days=29)


@pytest.mark.parametrize("kind", ["plain", "csv", "ip4set", "ip4trie", "ip6trie"])
def test_an_exported_list_comes_back_the_same(bring: Bring, tmp_path: Path, kind: str) -> None:
    wide = ["198.51.100.0/24", "2001:db8::/32"]
    holes = ["198.51.100.64/26", "2001:db8:1::/48"]
    for prefix, hole in zip(wide, holes, strict=True):
        make_exception(make_listing(prefix, evidence="costs $5", source="here"), hole)
    make_listing("198.51.100.70", reason_class="trap", source="here")
    out = tmp_path / "out"
    call_command("listings", "export", "--format", kind, "--output", str(out))
    text, again = out.read_text(), tmp_path / "again"
    ListingException.objects.all().delete()
    ListingEntry.objects.all()._raw_delete("default")
    Listing.objects.all().delete()

    bring(text, "--format", kind, "--source", "here")
    call_command("listings", "export", "--format", kind, "--output", str(again))

    assert again.read_text() == text
    assert len(text.splitlines()) >= 2


def test_check_tells_of_each_address_and_exits_1_if_one_is_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_exception(
        make_listing("198.51.100.0/24", evidence="hit a trap", source="trap"), "198.51.100.64/26"
    )

    with pytest.raises(SystemExit) as ended:
        call_command("listings", "check", "198.51.100.7", "198.51.100.65", "2001:db8::1")

    assert ended.value.code == 1
    listed, out, unknown = capsys.readouterr().out.splitlines()
    assert listed.startswith("198.51.100.7  listed by 198.51.100.0/24 since ")
    assert listed.endswith(", from trap (automatic: hit a trap)")
    assert out.startswith("198.51.100.65  not listed: 198.51.100.64/26 was taken out of ")
    assert unknown == "2001:db8::1  not listed"


def test_check_says_nothing_wrong_when_nothing_is_listed() -> None:
    call_command("listings", "check", "198.51.100.7")

    with pytest.raises(CommandError, match="is not an IP address"):
        call_command("listings", "check", "mail.example")

"""The contract of sinks, held against every kind: whoever adds a folder is tested here too."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.http import parse_http_date

from escalation.errors import TryAgainLater
from escalation.prefixes import parse_address
from listings import sinks
from listings.editions import Edition, spooled
from listings.models import Publication, Sink
from listings.sinks import KINDS, fetched, files
from tests.listings.factories import make_exception, make_listing, publish

pytestmark = pytest.mark.django_db
KIND = pytest.mark.parametrize("kind", sorted(KINDS))
ROOT = Path(__file__).parents[2]


@pytest.fixture
def edition(db: None, own_feeds: Path) -> Iterator[Edition]:
    make_exception(make_listing("198.51.100.0/24"), "198.51.100.9")
    make_listing("2001:db8::/64")
    with spooled(7, [kind.NOTATION for kind in KINDS.values()]) as made:
        yield made


def written(own_feeds: Path) -> set[str]:
    """Names of all files that are served, as the kinds name them."""
    return {
        str(path.relative_to(own_feeds))
        for path in own_feeds.rglob("*")
        if path.is_file() and not path.relative_to(own_feeds).parts[0].startswith(".")
    }


@KIND
def test_it_writes_the_files_it_names_and_no_others_and_only_when_it_switches(
    kind: str, edition: Edition, own_feeds: Path
) -> None:
    its = KINDS[kind]

    its.prepare(edition)
    assert written(own_feeds) == set()

    its.switch(edition)
    assert written(own_feeds) == set(its.FILES.values())
    for name in its.FILES.values():
        assert files.path_of(name).stat().st_mode & 0o777 == 0o644


@KIND
def test_every_file_says_which_list_it_is_and_is_what_it_says(kind: str, edition: Edition) -> None:
    its = KINDS[kind]
    its.prepare(edition)
    its.switch(edition)

    for name in its.FILES.values():
        with files.path_of(name).open("rb") as file:
            head = files.read_head(file)
        assert head.serial == 7
        assert head.count > 0
        assert files.check(name, Publication(serial=7)) == head
        assert files.path_of(name).read_bytes().isascii()


@KIND
def test_the_same_edition_twice_does_no_harm(kind: str, edition: Edition) -> None:
    its = KINDS[kind]
    before: dict[str, bytes] = {}
    for _time in range(2):
        its.prepare(edition)
        its.switch(edition)
        now = {name: files.path_of(name).read_bytes() for name in its.FILES.values()}
        assert before in ({}, now)
        before = now


@KIND
@pytest.mark.parametrize("damage", ["serial", "cut", "changed", "gone"])
def test_a_file_that_is_not_the_serials_is_no_proof(
    kind: str, edition: Edition, damage: str
) -> None:
    its = KINDS[kind]
    sink = Sink.objects.create(name="x", kind=kind, push="hook")
    its.prepare(edition)
    its.switch(edition)
    path = files.path_of(sorted(its.FILES.values())[0])
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-4])
    elif damage == "changed":
        path.write_bytes(path.read_bytes().replace(b"198.51.100", b"198.51.101"))
    elif damage == "gone":
        path.unlink()
    serial = 8 if damage == "serial" else 7

    with pytest.raises(TryAgainLater) as refusal:
        its.read_back(sink, Publication(serial=serial, sha256=edition.sha256), [])

    assert str(refusal.value)


@pytest.mark.parametrize("kind", ["plain", "rspamd"])
def test_a_flat_file_that_lacks_a_change_is_no_proof(kind: str, edition: Edition) -> None:
    its = KINDS[kind]
    sink = Sink.objects.create(name="x", kind=kind)
    its.prepare(edition)
    its.switch(edition)
    for text, refused in (("198.51.100.9", True), ("198.51.100.8", False), ("2001:db8::1", False)):
        with pytest.raises(TryAgainLater, match=text):
            its.read_back(sink, Publication(serial=7), [(parse_address(text), refused)])


def test_no_two_kinds_share_a_file_or_the_name_of_a_notation() -> None:
    names = [name for kind in KINDS.values() for name in kind.FILES.values()]
    assert len(set(names)) == len(names)
    notations = {kind.NOTATION.name: kind.NOTATION for kind in KINDS.values()}
    assert len(set(notations.values())) == len(notations)


@KIND
def test_it_has_a_page_for_the_operator(kind: str) -> None:
    assert (ROOT / f"listings/sinks/{kind}/README.md").exists()
    wants = {field.name for field in Sink._meta.fields}
    assert set(KINDS[kind].WANTS) <= wants


# -- Over HTTP ---------------------------------------------------------------------------


def basic(token: str) -> dict[str, str]:
    pair = base64.b64encode(f"whoever:{token}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def served(db: None, own_feeds: Path) -> None:
    for kind in KINDS:
        Sink.objects.create(name=kind, kind=kind)
    make_listing("198.51.100.7")
    publish()


def addresses(kind: str) -> list[str]:
    return [f"/feeds/{kind}/{name}" for name in KINDS[kind].FILES]


@KIND
def test_every_file_is_served_to_the_sink_with_its_token_and_to_nobody_else(
    kind: str, served: None, client: Client
) -> None:
    sink = Sink.objects.get(kind=kind)
    token = fetched.make_token(sink)
    other = fetched.make_token(Sink.objects.exclude(kind=kind)[0])

    for address in addresses(kind):
        assert client.get(address, headers=basic(token)).getvalue()
        assert client.get(address, headers=bearer(token)).getvalue()
        refusals = [
            client.get(address),
            client.get(address, headers=bearer("")),
            client.get(address, headers=bearer("sink_guessed")),
            client.get(address, headers=bearer(other)),
            client.get(address, headers={"Authorization": "Basic !!!"}),
            client.get("/feeds/nothing/", headers=bearer(token)),
            client.get(f"/feeds/{kind}/nothing", headers=bearer(token)),
        ]
        new = fetched.make_token(sink)
        refusals.append(client.get(address, headers=bearer(token)))
        token = new
        Sink.objects.filter(pk=sink.pk).update(enabled=False)
        refusals.append(client.get(address, headers=bearer(token)))
        Sink.objects.filter(pk=sink.pk).update(enabled=True)
        assert {(answer.status_code, answer.content) for answer in refusals} == {
            (401, refusals[0].content)
        }
        assert all("WWW-Authenticate" in answer.headers for answer in refusals)


@KIND
def test_every_answer_has_what_pollers_need(kind: str, served: None, client: Client) -> None:
    headers = bearer(fetched.make_token(Sink.objects.get(kind=kind)))
    for address in addresses(kind):
        got, head = client.get(address, headers=headers), client.head(address, headers=headers)
        body = got.getvalue()
        etag, modified = head.headers["ETag"], head.headers["Last-Modified"]
        same = [
            client.get(address, headers={**headers, "If-None-Match": etag}),
            client.head(address, headers={**headers, "If-None-Match": etag}),
            client.get(address, headers={**headers, "If-Modified-Since": modified}),
        ]

        assert head.content == b""
        assert int(head.headers["Content-Length"]) == len(body) > 0
        assert [answer.status_code for answer in same] == [304, 304, 304]
        for answer in (got, head, *same):
            expires = parse_http_date(answer.headers["Expires"])
            assert 200 < expires - timezone.now().timestamp() <= 301
            assert answer.headers["ETag"] == etag


def test_only_an_open_sink_is_served_without_a_token(served: None, client: Client) -> None:
    assert client.get("/feeds/plain/").status_code == 401

    Sink.objects.filter(kind="plain").update(is_open=True)

    assert client.get("/feeds/plain/").getvalue()
    assert client.get("/feeds/json/").status_code == 401


def test_a_kind_without_code_stops_no_other_sink(served: None) -> None:
    Sink.objects.create(name="strange", kind="strange")
    make_listing("198.51.100.8")
    publish()

    strange = Sink.objects.get(name="strange")
    assert "no kind of sink" in strange.trouble
    newest = Publication.objects.published().latest("serial")
    assert Sink.objects.get(kind="plain").receipts.filter(publication=newest).exists()
    assert sinks.KINDS.get("strange") is None

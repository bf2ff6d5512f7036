"""The feed as programs fetch it: validators, HEAD, nothing yet; and a writer that is killed."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.http import parse_http_date

from listings.models import Sink
from tests.listings.factories import feed, let_in, make_listing, publish

ROOT = Path(__file__).parents[2]
FEED = "/feeds/plain/"


@pytest.fixture
def published(db: None) -> None:
    make_listing("198.51.100.7")
    make_listing("2001:db8::/64")
    publish()


def test_the_head_says_what_the_lines_are(published: None, client: Client) -> None:
    answer = client.get(FEED)

    lines = b"".join(answer.streaming_content).decode("ascii").split("\n")
    head = dict(line.removeprefix("# ").split(": ", 1) for line in lines[1:6])
    assert list(head) == ["serial", "generated", "expires", "count", "sha256"]
    assert head["count"] == "2"
    assert head["sha256"] in answer.headers["ETag"]
    assert lines[6:] == ["198.51.100.7/32", "2001:db8::/64", ""]
    assert answer.headers["Content-Type"] == "text/plain; charset=us-ascii"


@pytest.mark.parametrize("family", ["", "4", "6"])
def test_head_is_get_without_the_list(published: None, client: Client, family: str) -> None:
    got = client.get(FEED, {"family": family})
    head = client.head(FEED, {"family": family})

    body = b"".join(got.streaming_content)
    assert head.status_code == 200
    assert head.content == b""
    for name in ("ETag", "Last-Modified", "Content-Length", "Content-Type"):
        assert head.headers[name] == got.headers[name]
    assert int(head.headers["Content-Length"]) == len(body)


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize(
    ("header", "validator"), [("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")]
)
def test_an_unchanged_list_is_not_sent_again(
    published: None, client: Client, method: str, header: str, validator: str
) -> None:
    known = client.head(FEED).headers[validator]

    answer = getattr(client, method)(FEED, headers={header: known})

    assert answer.status_code == 304
    assert answer.headers["ETag"] == client.head(FEED).headers["ETag"]
    assert answer.content == b""


def test_every_answer_says_when_to_come_again(published: None, client: Client) -> None:
    etag = client.head(FEED).headers["ETag"]

    for answer in (
        client.get(FEED),
        client.head(FEED),
        client.get(FEED, headers={"If-None-Match": etag}),
    ):
        expires = parse_http_date(answer.headers["Expires"])
        assert 280 <= expires - timezone.now().timestamp() <= 301
        answer.close()


def test_a_new_serial_has_a_new_tag(published: None, client: Client) -> None:
    before = client.head(FEED).headers["ETag"]

    make_listing("198.51.100.9")
    publish()

    assert client.head(FEED, headers={"If-None-Match": before}).status_code == 200


def test_each_family_has_its_own_tag(published: None, client: Client) -> None:
    assert (
        len({client.head(FEED, {"family": family}).headers["ETag"] for family in ("", "4", "6")})
        == 3
    )
    assert client.get(FEED, {"family": "5"}).status_code == 401


def test_before_the_first_publication_consumers_are_told_to_wait(db: None, client: Client) -> None:
    Sink.objects.create(name="open", kind="plain", is_open=True)

    answer = client.get(FEED)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert b"Keep the one you have" in answer.content


@pytest.mark.parametrize("content", ["", "198.51.100.7\n", "# serial: x\n"])
def test_a_file_that_is_no_feed_is_not_served(
    db: None, client: Client, own_feeds: Path, content: str
) -> None:
    Sink.objects.create(name="open", kind="plain", is_open=True)
    own_feeds.mkdir()
    (own_feeds / "plain.txt").write_text(content)

    assert client.get(FEED).status_code == 503


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_feed_is_only_read(published: None, client: Client, method: str) -> None:
    assert getattr(client, method)(FEED).status_code == 405


def test_a_feed_that_is_fetched_while_the_next_is_published_comes_whole(
    published: None, client: Client
) -> None:
    answer = client.get(FEED)
    make_listing("198.51.100.9")
    publish()

    body = b"".join(answer.streaming_content)

    assert int(answer.headers["Content-Length"]) == len(body)
    assert b"198.51.100.9" not in body
    assert len(feed()) == 3


WRITER = """
import sys, time
from datetime import datetime, timezone
from pathlib import Path
import django
django.setup()
from django.conf import settings
settings.POSTERN_FEED_DIR = Path(sys.argv[1])
from listings.editions import Edition, SPOOL
from listings.shelf import Body
from listings.sinks import plain
for serial in range(1, 10_000):
    folder = settings.POSTERN_FEED_DIR / f"{SPOOL}{serial}"
    folder.mkdir()
    bodies = {}
    for family, line in ((4, b"198.51.100.7/32\\n"), (6, b"2001:db8::/64\\n")):
        path = folder / f"body-{family}"
        path.write_bytes(line * 20_000)
        bodies["flat", family] = Body(path, 20_000, 20_000)
    edition = Edition(serial, datetime.now(timezone.utc), folder, "", 2, bodies)
    plain.prepare(edition)
    plain.switch(edition)
    print(serial, flush=True)
"""


@pytest.mark.kill
def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path: Path) -> None:
    for n in range(4):
        folder = tmp_path / str(n)
        folder.mkdir()
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env={**os.environ, "POSTERN_DEMO": "yes"},
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.05 + n * 0.013)
            writer.kill()

        for name, n_lines in (("plain.txt", 40_000), ("plain-4.txt", 20_000)):
            lines = (folder / name).read_text("ascii").splitlines()
            assert f"# count: {n_lines}" in lines
            assert len(lines) == n_lines + 6
            assert lines[-1] in ("198.51.100.7/32", "2001:db8::/64")


def test_what_killed_writers_left_behind_is_swept_up(published: None, own_feeds: Path) -> None:
    old, young = own_feeds / ".spool-old", own_feeds / ".spool-young"
    for folder in (old, young):
        folder.mkdir()
        (folder / "body-4").write_text("x")
    long_ago = (timezone.now() - timedelta(hours=2)).timestamp()
    os.utime(old, (long_ago, long_ago))

    let_in("198.51.100.7")
    publish()

    assert not old.exists()
    assert young.exists()

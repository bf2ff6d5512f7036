"""``manage.py ingest-log``: every line counts once, whatever happens to the log or to us."""

import contextlib
import gzip
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from listings import hits
from listings.management.ingest import _is_another
from listings.models import Listing
from tests.jobs.test_kills import database_url
from tests.listings.factories import let_in, make_exception, make_listing
from tests.traffic import lines
from traffic.logs import FORMATS
from traffic.logs.position import ReadElsewhere, open_log
from traffic.models import LogFile, Tally

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def documentation_may_be_listed(settings: Any) -> None:
    settings.POSTERN_DEMO = True


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "mail.log"
    path.write_text(lines.refused() + lines.refused("203.0.113.9", recipient="x@school.example"))
    return path


def ingest(*logs: Path, **options: Any) -> str:
    said = io.StringIO()
    call_command("ingest-log", *map(str, logs), stdout=said, **options)
    return said.getvalue()


def n_refused() -> int:
    return sum(Tally.objects.values_list("refused", flat=True))


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_refusals_are_counted_by_address_domain_and_day(log: Path) -> None:
    said = ingest(log)

    assert "2 new lines: 2 refusals (2 of no listing), 0 accepted." in said
    tally = Tally.objects.get(recipient_domain="clinic.example")
    assert (tally.shown, tally.refused, str(tally.day)) == ("198.51.100.25", 1, "2026-11-25")
    assert (tally.sender, tally.recipient) == ("accounts@bank.example", "dana@clinic.example")


def test_the_same_log_again_counts_nothing(log: Path) -> None:
    ingest(log)
    assert "0 new lines" in ingest(log, log)

    append(log, lines.refused())
    assert "1 new lines" in ingest(log)
    assert n_refused() == 3


def test_a_log_is_known_again_when_it_was_renamed_copied_or_compressed(
    log: Path, tmp_path: Path
) -> None:
    ingest(log)
    append(log, lines.refused())
    packed = tmp_path / "mail.log.2.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    copy = tmp_path / "copy"
    copy.write_bytes(log.read_bytes())
    log.rename(tmp_path / "mail.log.1")
    log.write_text(lines.refused(stamp="2026-11-26T00:00:00+00:00"))

    ingest(packed, copy, tmp_path / "mail.log.1", log)

    assert n_refused() == 4
    assert LogFile.objects.count() == 2


def test_a_line_without_its_end_waits_for_it(log: Path) -> None:
    whole = lines.refused()
    append(log, whole[:50])
    ingest(log)
    assert n_refused() == 2

    append(log, whole[50:])
    ingest(log)

    assert n_refused() == 3


def test_an_empty_log_and_one_that_only_begins_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_text("")
    assert "0 new lines" in ingest(path)
    path.write_text("Nov 25 no end")
    assert "0 new lines" in ingest(path)
    assert not LogFile.objects.exists()


def test_a_log_that_was_edited_is_refused_with_words(log: Path) -> None:
    ingest(log)
    log.write_text(log.read_text().replace("203.0.113.9", "203.0.113.8"))

    with pytest.raises(CommandError, match="nothing was counted"):
        ingest(log)

    assert n_refused() == 2


def test_a_log_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        ingest(tmp_path / "none")


def test_a_compressed_log_that_was_cut_is_named(log: Path) -> None:
    packed = log.with_suffix(".log.gz")
    packed.write_bytes(gzip.compress(log.read_bytes())[:-20])

    with pytest.raises(CommandError, match="cannot be read"):
        ingest(packed)


def test_a_compressed_log_is_the_same_file_at_the_next_look(tmp_path: Path) -> None:
    packed = tmp_path / "mail.log.gz"
    packed.write_bytes(gzip.compress((lines.refused() * 500).encode()))
    position = open_log(packed)
    assert position is not None
    with contextlib.closing(position.file):
        hits.Ingest(position, FORMATS["postfix"]()).run()

        assert position.offset > packed.stat().st_size
        assert not _is_another(packed, position)


def test_two_readers_of_one_log_count_it_once(log: Path) -> None:
    mine, other = open_log(log), open_log(log)
    assert mine is not None
    assert other is not None
    from_postfix = hits.Ingest(mine, FORMATS["postfix"]())
    late = hits.Ingest(other, FORMATS["postfix"]())
    from_postfix.run()

    with pytest.raises(ReadElsewhere), other.file, mine.file:
        late.run()

    assert n_refused() == 2


def test_the_latest_refusal_keeps_sender_and_moment_in_whatever_order_they_come(
    tmp_path: Path,
) -> None:
    late, early = tmp_path / "late", tmp_path / "early"
    late.write_text(lines.refused(sender="late@b.example", stamp="2026-11-25T12:00:00+00:00"))
    early.write_text(lines.refused(sender="early@b.example", stamp="2026-11-25T08:00:00+00:00"))

    ingest(late, early)

    tally = Tally.objects.get()
    assert (tally.refused, tally.sender) == (2, "late@b.example")
    assert tally.first_refused_at is not None
    assert tally.last_refused_at is not None
    assert (tally.first_refused_at.hour, tally.last_refused_at.hour) == (8, 12)


def test_accepted_mail_keeps_what_is_known_of_refusals(log: Path) -> None:
    append(log, lines.accepted("198.51.100.25"))
    ingest(log)

    tally = Tally.objects.get(recipient_domain="clinic.example")
    assert (tally.refused, tally.accepted) == (1, 1)
    assert tally.sender == "accounts@bank.example"
    assert tally.first_refused_at is not None


def test_a_mail_whose_first_line_was_read_before_is_still_counted(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    first, *rest = lines.accepted().splitlines(keepends=True)
    path.write_text(first)
    ingest(path)

    append(path, "".join(rest))

    assert "1 accepted" in ingest(path)


# -- Whose hits they are --------------------------------------------------------------


def hits_of(listing: Listing) -> int:
    listing.refresh_from_db()
    return listing.hits


def test_a_refusal_counts_on_the_listing_that_decides(tmp_path: Path) -> None:
    wide, small = make_listing("198.51.100.0/24"), make_listing("198.51.100.25")
    path = tmp_path / "log"
    path.write_text(lines.refused() + lines.refused("198.51.100.26") + lines.refused())

    ingest(path)

    assert (hits_of(wide), hits_of(small)) == (1, 2)
    assert small.last_hit_at is not None


def test_the_number_in_the_reply_counts_where_it_fits_the_address(tmp_path: Path) -> None:
    wide, small = make_listing("198.51.100.0/24"), make_listing("203.0.113.9")
    path = tmp_path / "log"
    path.write_text(lines.refused(listing=wide.pk) + lines.refused(listing=small.pk))

    ingest(path)

    assert (hits_of(wide), hits_of(small)) == (2, 0)


def test_a_refusal_after_the_removal_counts_on_the_listing_that_was(tmp_path: Path) -> None:
    gone, wide = make_listing("198.51.100.25"), make_listing("203.0.113.0/24")
    make_exception(wide, "203.0.113.9")
    let_in("198.51.100.25")
    path = tmp_path / "log"
    path.write_text(lines.refused() + lines.refused("203.0.113.9"))

    said = ingest(path)

    assert "(0 of no listing)" in said
    assert (hits_of(gone), hits_of(wide)) == (1, 1)


# -- Following, and being killed --------------------------------------------------------


class Follower:
    """A real ``ingest-log --follow`` on the database of the tests."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start()

    def start(self) -> None:
        environ = {**os.environ, "DATABASE_URL": database_url(), "POSTERN_DEMO": "1"}
        self.child = subprocess.Popen(
            [sys.executable, "manage.py", "ingest-log", "--follow", str(self.path)],
            env=environ, cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def kill(self) -> None:
        self.child.kill()
        self.child.communicate()

    def stop(self) -> str:
        self.child.send_signal(signal.SIGTERM)
        return self.child.communicate(timeout=20)[0]


def wait_for(n: int, seconds: float = 30) -> int:
    end = time.monotonic() + seconds
    while n_refused() < n and time.monotonic() < end:
        time.sleep(0.05)
    return n_refused()


@pytest.mark.kill
@pytest.mark.django_db(transaction=True)
def test_a_log_that_is_followed_through_rotation_and_kills_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_text("")
    follower = Follower(path)
    try:
        for n in range(6):
            stamp = f"2026-11-25T0{n}:00:00+00:00"
            append(path, "".join(lines.refused(stamp=stamp) for _ in range(500)))
            if n % 2:
                wait_for(n * 500 + 1)  # it is in the middle, or past it
                follower.kill()
                follower.start()
            if n == 2:
                wait_for(1500)
                path.rename(tmp_path / "mail.log.1")
                path.write_text("")
        assert wait_for(3000) == 3000
        append(path, lines.refused(stamp="2026-11-25T07:00:00+00:00"))
        assert wait_for(3001) == 3001  # so the last one is up, and can be asked to stop
        said = follower.stop()
    finally:
        follower.child.kill()

    assert "refusals" in said
    call_command("ingest-log", str(tmp_path / "mail.log.1"), str(path), stdout=io.StringIO())
    assert n_refused() == 3001

"""The limited child: whatever a message does to it, each has one answer, and the next is read."""

import gc
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import pytest

from mailroom import confined
from mailroom.confined import MAX_BYTES, Child, Unreadable
from mailroom.diagnosis import MALFORMED, OUT_OF_TIME, TOO_LARGE
from tests.mailroom.bounces import HEADERS

OBEY = "tests.mailroom.children:obey"
SECONDS = 2.0
REPORT = (
    b"From: pat@far.example\r\nTo: junk@mail.example\r\nSubject: junk\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: message/rfc822\r\n\r\n"
    b"From: <news@clinic.example>\r\nSubject: Win\r\n\r\nHi.\r\n"
)


@pytest.fixture
def child() -> Iterator[Child]:
    with Child(OBEY) as one:
        yield one


def said(answers: Sequence[dict[str, Any] | Unreadable]) -> list[object]:
    """What was said to each, or why nothing was."""
    return [one.reason if isinstance(one, Unreadable) else one["said"] for one in answers]


# -- What mail can do (reports that stop a parser) --------------------------------------


def multiparts(depth: int) -> bytes:
    level = b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n'
    return HEADERS + b"".join(level % (n, n) for n in range(depth))


BOMBS = {
    "1000 multiparts in each other": multiparts(1000),
    "1000 messages in each other": HEADERS + b"Content-Type: message/rfc822\n\n" * 1000,
    "200,000 parts": (
        HEADERS + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 200_000
    ),
    "8,000 addresses": HEADERS + b"To: " + b"a@b.example, " * 8000 + b"\n\nx",
    "8,000 encoded words": HEADERS + b"Subject: " + b"=?utf-8?q?a?= " * 8000 + b"\n\nx",
    "100,000 headers": HEADERS + b"X-A: b\n" * 100_000 + b"\nx",
    "100,000 headers enclosed": (
        HEADERS + b"Content-Type: message/rfc822\n\n" + b"X-A: b\n" * 100_000 + b"\nx"
    ),
    "5,000 signatures enclosed": (
        HEADERS + b"Content-Type: message/rfc822\n\n"
        + b"DKIM-Signature: v=1; d=a.example; s=s; h=from; b=eA==; bh=eA==\n" * 5000 + b"\nx"
    ),
}  # fmt: skip


def test_mail_made_to_hurt_is_read_in_time_and_the_next_as_well() -> None:
    raws = [raw for bomb in BOMBS.values() for raw in (bomb, REPORT)]
    with Child("tests.mailroom.children:read") as child:
        answers = child.ask_all(raws, channel="lmtp")
    assert len(answers) == len(raws)
    for name, bomb, good in zip(BOMBS, answers[::2], answers[1::2], strict=True):
        assert isinstance(bomb, Unreadable) or bomb["seconds"] < SECONDS, name
        assert isinstance(good, dict), name
        assert good["kind"] == "feedback"


# -- What a reader can do -----------------------------------------------------------------


def test_one_child_reads_many_in_their_order(child: Child) -> None:
    raws = [b"number %d" % n for n in range(1000)]
    answers = child.ask_all(raws, colour="red")
    assert said(answers) == [raw.decode() for raw in raws]
    assert {one["colour"] for one in answers if isinstance(one, dict)} == {"red"}
    assert child.ask(b"pid")["said"] == child.ask(b"pid")["said"]


def test_a_child_that_spins_is_ended_by_its_own_timer(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confined, "WALL_SECONDS", 60.0)
    started = time.monotonic()
    answers = child.ask_all([b"one", b"spin", b"two"])
    assert said(answers) == ["one", OUT_OF_TIME, "two"]
    assert confined.CPU_SECONDS - 0.5 < time.monotonic() - started < confined.WALL_SECONDS


def test_seconds_are_counted_for_each_message_anew(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    child.ask(b"the first takes longer")
    monkeypatch.setattr(confined, "WALL_SECONDS", 3.0)
    assert said(child.ask_all([b"sleep 1"] * 4)) == ["slept"] * 4


def test_a_child_that_sleeps_is_not_waited_for_for_ever(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert child.ask(b"one")["said"] == "one"
    monkeypatch.setattr(confined, "WALL_SECONDS", 0.5)
    pid = child.ask(b"pid")["said"]
    with pytest.raises(Unreadable) as problem:
        child.ask(b"sleep 30")
    assert problem.value.reason == OUT_OF_TIME
    assert not running(pid)


def test_a_child_that_eats_memory_is_ended(child: Child) -> None:
    answers = child.ask_all([b"one", b"eat", b"eat-and-live", b"two"])
    assert said(answers) == ["one", TOO_LARGE, "bound", "two"]


@pytest.mark.parametrize("word", [b"leave", b"babble", b"go-on", b"fail"])
def test_what_is_no_answer_costs_one_message(child: Child, word: bytes) -> None:
    answers = child.ask_all([b"one", word, b"two", word, b"three"])
    assert said(answers) == ["one", MALFORMED, "two", MALFORMED, "three"]


def test_a_child_writes_no_file_and_sees_no_environment(
    child: Child, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POSTERN_SECRET_OF_THE_TEST", "x")
    assert child.ask(b"look")["said"] == []
    file = tmp_path / "written"
    assert child.ask(f"write {file}".encode())["said"] == "OSError"
    assert file.stat().st_size == 0


def test_a_message_larger_than_any_is_not_sent(child: Child) -> None:
    large = b"x" * (MAX_BYTES + 1)
    answers = child.ask_all([large, b"one", large, large, b"x" * MAX_BYTES, large])
    assert [one.reason if isinstance(one, Unreadable) else one["bytes"] for one in answers] == [
        TOO_LARGE, 3, TOO_LARGE, TOO_LARGE, MAX_BYTES, TOO_LARGE,
    ]  # fmt: skip


def test_a_long_answer_meets_a_long_question(child: Child) -> None:
    raws = [b"x" * 300_000] * 40  # more than any socket holds, both ways at once
    answers = child.ask_all(raws, words="y" * 300_000)
    assert [len(one["words"]) for one in answers if isinstance(one, dict)] == [300_000] * 40


def test_nothing_is_asked_of_nobody(child: Child) -> None:
    assert child.ask_all([]) == []
    assert child.process is None


# -- What others can do ------------------------------------------------------------------


def test_a_child_that_is_killed_from_outside_loses_no_message(child: Child) -> None:
    pid = child.ask(b"pid")["said"]
    killer = Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killer.start()
    answers = child.ask_all([b"sleep 0.02", b"one", b"two"] * 40)
    killer.join()
    assert said(answers) == ["slept", "one", "two"] * 40
    assert child.ask(b"pid")["said"] != pid


def test_a_message_that_kills_its_reader_is_tried_twice_and_given_up(child: Child) -> None:
    answers = child.ask_all([b"die", b"one", b"die", b"die", b"two"])
    assert said(answers) == [MALFORMED, "one", MALFORMED, MALFORMED, "two"]


def test_a_kill_after_a_message_was_given_up_loses_no_other(child: Child, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = (f"die-once {tmp_path / name}".encode() for name in ("one", "two"))
    assert said(child.ask_all([b"die", one, b"between", two])) == [
        MALFORMED, "alive", "between", "alive",
    ]  # fmt: skip


def test_after_its_seconds_the_rest_is_left_out(child: Child) -> None:
    child.ask(b"the first takes longer")
    answers = child.ask_all([b"one", b"sleep 0.6", b"sleep 0.6", b"two"], seconds=0.4)
    assert said(answers) == ["one", "slept"]
    assert child.ask(b"three")["said"] == "three"
    assert child.ask_all([b"one"], seconds=0.0) == []


def test_two_threads_with_a_child_each_do_not_meet() -> None:
    heard: dict[int, list[object]] = {}

    def listen(number: int) -> None:
        with Child(OBEY) as child:
            heard[number] = said(child.ask_all([b"%d %d" % (number, n) for n in range(300)]))

    threads = [Thread(target=listen, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {number: [f"{number} {n}" for n in range(300)] for number in range(2)}


def test_a_child_ends_with_its_parent() -> None:
    with Child(OBEY) as child:
        pid = child.ask(b"pid")["said"]
        assert running(pid)
    assert not running(pid)


def test_a_child_inherits_no_line_of_another(child: Child) -> None:
    child.ask(b"one")
    with Child(OBEY) as other:
        other.ask(b"one")
        assert child._line is not None
        child._line.shutdown(socket.SHUT_RDWR)
        child._line.close()
        assert child.process is not None
        assert child.process.wait(10) == 0


def test_a_child_hangs_up_when_its_parent_was_killed() -> None:
    parent = (
        "import sys; from mailroom.confined import Child; child = Child(sys.argv[1]);"
        "print(child.ask(b'pid')['said'], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [*confined._COMMAND[:1], "-c", parent, OBEY], cwd=confined._ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert running(pid)
        process.kill()
    end = time.monotonic() + 10
    while running(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not running(pid)


def test_many_children_leave_no_zombie_and_no_descriptor() -> None:
    with Child(OBEY) as first:
        first.ask(b"one")
    gc.collect()
    open_before, children_before = descriptors(), children()
    for number in range(50):
        with Child(OBEY) as child:
            child.ask_all([b"one", b"leave" if number % 2 else b"two"])
    gc.collect()
    assert descriptors() == open_before
    assert children() <= children_before


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def children() -> set[int]:
    """The processes that we started, the dead ones that nobody waited for among them."""
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit() and (status := state(int(name))) and status[1] == os.getpid():
            found.add(int(name))
    return found


def running(pid: int) -> bool:
    status = state(pid)
    return status is not None and status[0] != "Z"


def state(pid: int) -> tuple[str, int] | None:
    """The state of a process and its parent (proc(5)), None where it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            words = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return words[0], int(words[1])

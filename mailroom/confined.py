"""Readers of hostile mail in a process of their own, under limits that the system enforces.

Safe to use from any worker or thread: nothing runs between fork and exec, the limits are the
child's own first act.  The child sees no environment and writes no file.  It reads many messages,
one after the other, until its parent hangs up, however the parent ends.

Between them: a question is a JSON object and the octets of a message, the answer a JSON object;
each of them with its length before it, in four octets.
"""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from io import BufferedRWPair
from pathlib import Path
from select import POLLIN, poll
from threading import Thread
from typing import Any, Final, Self

from mailroom.diagnosis import (
    MALFORMED,
    OUT_OF_TIME,
    TOO_LARGE,
    Diagnosis,
    Failure,
    Original,
)
from mailroom.guards import refusal
from mailroom.reader import read

CPU_SECONDS: Final = 2.0  # for one message
WALL_SECONDS: Final = 10.0  # for one message: 2 s of CPU take long on a busy machine
MEMORY_BYTES: Final = 512 * 1024 * 1024
MOST_FILES: Final = 16  # open at once; codecs are loaded when they are first used
MAX_BYTES: Final = 10 * 1024 * 1024  # of one message
MAX_ANSWER: Final = 4 * 1024 * 1024
MESSAGES: Final = 2000  # that one child reads before another takes its place

_ROOT: Final = Path(__file__).resolve().parents[1]
_COMMAND: Final = (sys.executable, "-s", "-E", "-B", "-m", "mailroom.confined")
_OUT_OF_MEMORY: Final = 3  # exit code of the child
_REASONS: Final = {-signal.SIGPROF: OUT_OF_TIME, _OUT_OF_MEMORY: TOO_LARGE}
_FROM_OUTSIDE: Final = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT)
_LENGTH: Final = 4


class Unreadable(Exception):
    """A message that the child could not read; ``reason`` is one of ``mailroom.diagnosis``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Ended(Exception):
    """The child hung up, or did not answer in time."""


class Child:
    """A process that answers for ``MODULE:FUNCTION``, which takes the octets of a message and a
    question, and returns its answer.  It is started with the first message, and again after its
    death.  A context manager, for one thread at a time.
    """

    def __init__(self, function: str) -> None:
        self.command = [*_COMMAND, function]
        self.process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._n_read = 0
        self.until = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self._end()

    def ask(self, raw: bytes, **question: Any) -> dict[str, Any]:
        """What the function answers to a message.

        Raises ``Unreadable`` when the child dies of it, takes too long, or answers nonsense.
        """
        [answer] = self.ask_all([raw], **question)
        if isinstance(answer, Unreadable):
            raise answer
        return answer

    def ask_all(
        self, raws: Sequence[bytes], *, seconds: float = 3600.0, **question: Any
    ) -> list[dict[str, Any] | Unreadable]:
        """What it answers to each of ``raws``, in their order: it reads while we listen.

        The one that it dies of is the first without an answer; the rest goes to another child.
        After ``seconds`` no more are read: there are then fewer answers than messages.
        """
        self.until = time.monotonic() + seconds
        answers: list[dict[str, Any] | Unreadable] = []
        head, may_retry = _framed(json.dumps(question).encode()), True
        while (n := len(answers)) < len(raws) and time.monotonic() < self.until:
            if len(raws[n]) > MAX_BYTES:
                answers.append(Unreadable(TOO_LARGE))
                continue
            end = next((at for at in range(n, len(raws)) if len(raws[at]) > MAX_BYTES), len(raws))
            problem = self._exchange(head, raws[n:end], answers)
            if problem is None:
                continue
            may_retry = may_retry or len(answers) > n
            if problem.reason or not may_retry:
                answers.append(Unreadable(problem.reason or MALFORMED))
                may_retry = True
            else:  # killed from outside: the same message once more
                may_retry = False
        return answers

    def _exchange(
        self, head: bytes, raws: Sequence[bytes], answers: list[dict[str, Any] | Unreadable]
    ) -> Unreadable | None:
        """Send all, and append what is answered; return what ended it before its end.

        Its reason is "" where the child was killed from outside: no message's fault.
        """
        line = self._connected(len(raws))
        sender = Thread(target=_send, args=(line, head, raws), daemon=True)
        sender.start()
        try:
            for _raw in raws:
                answers.append(_answer(line))
                if time.monotonic() > self.until and len(answers) < len(raws):
                    self._end()
                    break
        except TimeoutError:
            self._end()
            return Unreadable(OUT_OF_TIME)
        except (_Ended, OSError):
            code = self._end()
            return Unreadable("" if code in _FROM_OUTSIDE else _REASONS.get(code, MALFORMED))
        except ValueError:
            self._end()
            return Unreadable(MALFORMED)
        except BaseException:
            self._end()  # answers are still to come, and must not be taken for the next ones
            raise
        finally:
            sender.join()
        return None

    def _connected(self, n: int) -> socket.socket:
        if self._n_read > MESSAGES or (self.process and self.process.poll() is not None):
            self._end()
        if self._line is None:
            self._line, theirs = socket.socketpair()
            with theirs:
                self.process = subprocess.Popen(
                    self.command, stdin=theirs.fileno(), stdout=theirs.fileno(),
                    stderr=subprocess.DEVNULL, cwd=_ROOT, env={},
                )  # fmt: skip
            self._n_read = 0
        self._n_read += n
        return self._line

    def _end(self) -> int:
        """How the child ended: its exit code, or less the signal; one that lives is killed."""
        process, line = self.process, self._line
        self.process = self._line = None
        if line is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)  # wakes who is sending
            line.close()
        if process is None:
            return 0
        with suppress(subprocess.TimeoutExpired):
            return process.wait(0)
        process.kill()
        return process.wait()


def _framed(octets: bytes) -> bytes:
    return len(octets).to_bytes(_LENGTH) + octets


def _send(line: socket.socket, head: bytes, raws: Sequence[bytes]) -> None:
    """In a thread of its own; the child's death, or the end of the line, ends it."""
    with suppress(OSError):
        for raw in raws:
            line.sendall(head + len(raw).to_bytes(_LENGTH))
            line.sendall(raw)


def _answer(line: socket.socket) -> dict[str, Any]:
    """The next answer; raises ``_Ended``, ``TimeoutError``, and ``ValueError`` for nonsense."""
    deadline = time.monotonic() + WALL_SECONDS
    size = int.from_bytes(_received(line, _LENGTH, deadline))
    if size > MAX_ANSWER:
        raise ValueError("a longer answer than any")
    answer: object = json.loads(_received(line, size, deadline))
    if not isinstance(answer, dict):
        raise ValueError("no answer")  # noqa: TRY004 -- what the child said, not a wrong argument
    return answer


def _received(line: socket.socket, size: int, deadline: float) -> bytes:
    """Exactly ``size`` octets; raises ``_Ended`` and ``TimeoutError``."""
    pieces: list[bytes] = []
    waiting = poll()
    waiting.register(line, POLLIN)
    while size:
        if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError
        if not (piece := line.recv(min(size, 1 << 20))):
            raise _Ended
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


# -- In the parent: the reader of bounces -----------------------------------------


def read_guarded(raw: bytes) -> Diagnosis:
    """``mailroom.reader.read`` in a limited child; ``unreadable`` when the child dies of it."""
    if error := refusal(raw):
        return Diagnosis("unreadable", error=error)
    try:
        with Child("mailroom.confined:diagnose") as child:
            return _from_dict(child.ask(raw))
    except Unreadable as problem:
        return Diagnosis("unreadable", error=problem.reason)
    except (TypeError, KeyError):
        return Diagnosis("unreadable", error=MALFORMED)


def _from_dict(fields: dict[str, Any]) -> Diagnosis:
    original = fields.pop("original")
    results = tuple(Failure(**failure) for failure in fields.pop("results"))
    return Diagnosis(results=results, original=Original(**original) if original else None, **fields)


def diagnose(raw: bytes, _question: dict[str, Any]) -> dict[str, Any]:
    """What the child answers of a bounce."""
    return asdict(read(raw))


# -- In the child ------------------------------------------------------------------


def limit_self() -> None:
    """Bind this process to its limits; there is no way back."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, MOST_FILES),
    ):
        resource.setrlimit(what, (most, most))


def serve(answer: Callable[[bytes, dict[str, Any]], dict[str, Any]], line: BufferedRWPair) -> None:
    """Answer until the parent hangs up; each message has its own seconds of CPU."""
    while head := line.read(_LENGTH):
        question: dict[str, Any] = json.loads(line.read(int.from_bytes(head)))
        raw = line.read(int.from_bytes(line.read(_LENGTH)))
        # User and system time; the signal of this timer ends the process where nobody catches it.
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        said = json.dumps(answer(raw, question)).encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        line.write(_framed(said))
        line.flush()


def main(name: str) -> None:
    module, _colon, function = name.partition(":")
    answer = getattr(import_module(module), function)
    limit_self()
    line = socket.socket(fileno=0).makefile("rwb")
    with suppress(BrokenPipeError, ConnectionResetError):
        try:
            serve(answer, line)
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)


if __name__ == "__main__":
    main(sys.argv[1])

"""What the children of ``test_confined`` answer with: each message says what becomes of them."""

import os
import signal
import time
from typing import Any

from abuse import evidence


def obey(raw: bytes, question: dict[str, Any]) -> dict[str, Any]:
    """Do what the first word of the message says, else repeat it with the question."""
    word, _space, rest = raw.partition(b" ")
    if act := _ACTS.get(word):
        return act(rest)  # type: ignore[no-any-return]
    return {"said": raw.decode("latin-1")[:100], "bytes": len(raw), **question}


def _spin(_rest: bytes) -> Any:
    while True:
        pass


def _eat(_rest: bytes) -> Any:
    eaten = []
    while True:
        eaten.append(bytearray(1 << 24))


def _eat_and_live(_rest: bytes) -> dict[str, Any]:
    try:
        bytearray(1 << 30)
    except MemoryError:
        return {"said": "bound"}
    return {"said": "free"}


def _sleep(rest: bytes) -> dict[str, Any]:
    time.sleep(float(rest))
    return {"said": "slept"}


def _die(_rest: bytes) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_once(rest: bytes) -> dict[str, Any]:
    """Leave a mark in the folder first: a folder, as nothing may write a file here."""
    try:
        os.mkdir(os.path.join(rest, b"died"))
    except FileExistsError:
        return {"said": "alive"}
    return _die(rest)  # type: ignore[no-any-return]


def _leave(_rest: bytes) -> Any:
    os._exit(0)


def _babble(_rest: bytes) -> Any:
    return ["no object"]


def _go_on(_rest: bytes) -> Any:
    return {"said": "x" * (8 << 20)}


def _write(rest: bytes) -> dict[str, Any]:
    try:
        with open(rest, "wb", buffering=0) as file:
            file.write(b"x")
    except OSError as error:
        return {"said": type(error).__name__}
    return {"said": "written"}


def _look(_rest: bytes) -> dict[str, Any]:
    return {"said": sorted(name for name in os.environ if not name.startswith("LC_"))}


def _fail(rest: bytes) -> Any:
    raise ValueError(rest)


def _pid(_rest: bytes) -> dict[str, Any]:
    return {"said": os.getpid()}


def read(raw: bytes, question: dict[str, Any]) -> dict[str, Any]:
    """What the abuse desk's child answers, with the CPU seconds that it took."""
    started = time.process_time()
    said = evidence.answer(raw, question)
    return {"kind": said["reading"]["kind"], "seconds": time.process_time() - started}


_ACTS = {
    b"spin": _spin, b"eat": _eat, b"eat-and-live": _eat_and_live, b"sleep": _sleep, b"die": _die,
    b"leave": _leave, b"babble": _babble, b"go-on": _go_on, b"write": _write, b"look": _look,
    b"fail": _fail, b"pid": _pid, b"die-once": _die_once,
}  # fmt: skip

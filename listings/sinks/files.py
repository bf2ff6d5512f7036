"""Files that sinks read: with a head that says which list they are, whole or not at all."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from escalation.errors import TryAgainLater
from listings.editions import Edition
from listings.models import Publication
from listings.shelf import CHUNK, Body

HEAD_LINES = 20  # more than a head has
HEAD_BYTES = 4096  # the most that is read of one line of a head

Parts = Iterable[bytes]
Changed = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a file says of all that comes after it."""

    serial: int
    count: int
    sha256: str


def path_of(name: str) -> Path:
    """Where the file of that name is served from; ``kind/name``, or a name alone."""
    return settings.POSTERN_FEED_DIR / name


def ready_path(edition: Edition, name: str) -> Path:
    """Where the file is prepared."""
    return edition.folder / f"ready-{name.replace('/', '-')}"


def prepare(
    edition: Edition, name: str, words: str, parts: Callable[[], Parts], count: int
) -> None:
    """Write a file beside what is served: a head of comments, ``words`` first, then ``parts``.

    ``parts`` is called twice: for the checksum in the head, and to write them.
    """
    said = facts(edition, parts(), count)
    head = [f"# {words}", *(f"# {key}: {value}" for key, value in said.items())]
    write(edition, name, ["".join(f"{line}\n" for line in head).encode("ascii")], parts())


def facts(edition: Edition, parts: Parts, count: int) -> dict[str, str | int]:
    """What a head says; the checksum comes last."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return {
        "serial": edition.serial,
        "generated": _stamp(edition.made_at),
        "expires": _stamp(edition.expires_at),
        "count": count,
        "sha256": digest.hexdigest(),
    }


def write(edition: Edition, name: str, head: Parts, parts: Parts) -> None:
    """Write a file beside what is served, on disk for good."""
    with ready_path(edition, name).open("wb") as target:
        for some in (head, parts):
            for part in some:
                target.write(part)
        target.flush()
        os.fsync(target.fileno())


def switch(edition: Edition, names: Iterable[str]) -> None:
    """Put files where they are served from: a rename each, which nobody sees half done."""
    folders = set()
    for name in names:
        ready, path = ready_path(edition, name), path_of(name)
        path.parent.mkdir(mode=0o755, exist_ok=True)
        ready.chmod(0o644)
        ready.replace(path)
        folders.add(path.parent)
    for folder in folders:
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def body_parts(bodies: Iterable[Body], change: Changed | None = None) -> Iterator[bytes]:
    """The bytes of bodies; ``change`` is done to pieces that each end with a line."""
    for body in bodies:
        with body.path.open("rb") as source:
            while part := source.read(CHUNK):
                if change is not None:
                    part = change(part + source.readline())
                yield part


def read_head(file: BinaryIO) -> Head:
    """Read the head of an open file and leave it at the first byte after the head.

    Raises ``ValueError`` if this is no file of ours.
    """
    said: dict[str, str] = {}
    for _line in range(HEAD_LINES):
        line = file.readline(HEAD_BYTES).decode("ascii", "replace")
        if line.startswith("{"):
            said = {key: str(value) for key, value in json.loads(line + "]}").items()}
            break
        name, _colon, value = line.partition(": ")
        said[name.removeprefix("# ")] = value.strip()
        if name == "# sha256":  # the last line of the head
            break
    try:
        return Head(int(said["serial"]), int(said["count"]), said["sha256"])
    except KeyError as missing:
        raise ValueError(f"no {missing} in the head of the file") from None


def check(name: str, publication: Publication, path: Path | None = None) -> Head:
    """The head of a file that is of this serial and keeps what its head says.

    Raises ``TryAgainLater`` saying what is wrong with it.
    """
    try:
        with (path or path_of(name)).open("rb") as file:
            head, digest = read_head(file), hashlib.sha256()
            while part := file.read(CHUNK):
                digest.update(part)
    except (OSError, ValueError) as error:
        raise TryAgainLater(f"{name} cannot be read: {error}") from error
    if digest.hexdigest() != head.sha256:
        raise TryAgainLater(f"{name} is damaged: its checksum does not fit")
    if head.serial != publication.serial:
        raise TryAgainLater(f"{name} has serial {head.serial}")
    return head


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

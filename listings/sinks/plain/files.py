"""Where the plain feed lies, and what its head says."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

NAMES: dict[int | None, str] = {4: "plain-4.txt", 6: "plain-6.txt", None: "plain.txt"}
HEAD_LINES = 20  # more than a head has


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a feed says of the lines after it."""

    serial: int
    count: int
    sha256: str


def path_of(family: int | None) -> Path:
    """The file that is served: of both families, or of one."""
    return settings.POSTERN_FEED_DIR / NAMES[family]


def read_head(file: BinaryIO) -> Head:
    """Read the head of an open feed and leave the file at the first line of the list.

    Raises ``ValueError`` if this is no feed of ours.
    """
    said: dict[str, str] = {}
    for _line in range(HEAD_LINES):
        name, _colon, value = file.readline().decode("ascii", "replace").partition(": ")
        said[name.removeprefix("# ")] = value.strip()
        if name == "# sha256":  # the last line of the head
            break
    try:
        return Head(int(said["serial"]), int(said["count"]), said["sha256"])
    except KeyError as missing:
        raise ValueError(f"no {missing} in the head of the feed") from None

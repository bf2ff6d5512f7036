"""Search a file of disjoint prefixes without reading it: they are in order, so bisect."""

import mmap
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

from escalation import prefixes
from escalation.errors import Refused, TryAgainLater
from escalation.prefixes import Address, Prefix
from listings.sinks.files import path_of, read_head


class FlatFile:
    """A served file with one prefix a line, IPv4 first; a context manager."""

    def __init__(self, path: Path) -> None:
        """Raises ``OSError`` or ``ValueError`` for what is no file of ours."""
        self._file = path.open("rb")
        read_head(self._file)
        self._start = self._file.tell()
        self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def __enter__(self) -> "FlatFile":
        return self

    def __exit__(self, *_error: object) -> None:
        self._map.close()
        self._file.close()

    def touches(self, prefix: Prefix) -> bool:
        """Whether any line shares an address with ``prefix``."""
        before = self._last_before((prefix.version, int(prefix.broadcast_address)))
        return (
            before is not None
            and before.version == prefix.version
            and int(before.broadcast_address) >= int(prefix.network_address)
        )

    def _last_before(self, place: tuple[int, int]) -> Prefix | None:
        """The last prefix that begins at ``place`` (family and number) or before it."""
        low, high, found = self._start, len(self._map), None
        while low < high:
            middle = (low + high) // 2
            begin = max(self._map.rfind(b"\n", self._start, middle) + 1, self._start)
            end = self._map.find(b"\n", begin) + 1 or len(self._map)
            line = prefixes.parse_prefix(self._map[begin:end].decode("ascii"))
            if (line.version, int(line.network_address)) <= place:
                found, low = line, end
            else:
                high = begin
        return found


def check(name: str, expected: Sequence[tuple[Address, bool]]) -> None:
    """Raise ``TryAgainLater`` unless the file refuses just what of ``expected`` is refused."""
    try:
        with FlatFile(path_of(name)) as file:
            there = [file.touches(ip_network(address)) for address, _refused in expected]
    except (OSError, ValueError, Refused) as error:
        raise TryAgainLater(f"{name} cannot be read: {error}") from error
    for (address, refused), found in zip(expected, there, strict=True):
        if found != refused:
            verb = "is missing" if refused else "is still there"
            raise TryAgainLater(f"{address} {verb} in {name}")

"""Write the plain feed: all, IPv4 only, IPv6 only; each file whole or not at all."""

import hashlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from listings.editions import Body, Edition
from listings.sinks.plain.files import NAMES, path_of


def prepare(edition: Edition) -> None:
    """Write the three files into the edition's folder, on disk for good."""
    for family, name in NAMES.items():
        bodies = [body for its, body in edition.bodies.items() if family in (None, its)]
        _write(edition, bodies, edition.folder / name)


def switch(edition: Edition) -> None:
    """Put the files where they are served from: a rename each, which nobody sees half done."""
    for family, name in NAMES.items():
        ready = edition.folder / name
        ready.chmod(0o644)
        ready.replace(path_of(family))
    folder = os.open(path_of(None).parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write(edition: Edition, bodies: list[Body], path: Path) -> None:
    digest = hashlib.sha256()
    for body in bodies:
        with body.path.open("rb") as source:
            while part := source.read(1 << 16):
                digest.update(part)
    head = (
        "# One prefix on each line (RFC 4632, RFC 4291): mail from these addresses is refused.\n"
        f"# serial: {edition.serial}\n"
        f"# generated: {_stamp(edition.made_at)}\n"
        f"# expires: {_stamp(edition.expires_at)}\n"
        f"# count: {sum(body.count for body in bodies)}\n"
        f"# sha256: {digest.hexdigest()}\n"
    )
    with path.open("wb") as target:
        target.write(head.encode("ascii"))
        for body in bodies:
            with body.path.open("rb") as source:
                shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

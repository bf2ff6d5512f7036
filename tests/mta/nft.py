"""The packet filter of our own network: tables that end with it, and touch no other."""

import shlex
import socket
import subprocess
from contextlib import closing
from pathlib import Path

from tests.mta import blocks


def load(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["nft", "-f", str(path)], text=True, capture_output=True, check=False)


def prepare(room: Path) -> None:
    """The table and its empty sets, as an operator makes them."""
    base = room / "nftables.conf"
    base.write_text(blocks.block("nftables", "base"))
    done = load(base)
    assert not done.returncode, done.stderr


def apply(feeds: Path) -> None:
    """What the unit of the page runs."""
    unit = blocks.block("nftables", "service", feeds=str(feeds))
    for command in blocks.commands(unit):
        subprocess.run(shlex.split(command), check=True)


def reaches(source: str, target: tuple[str, int]) -> bool:
    """Whether a connection from an address comes about; a drop shows as silence."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with closing(socket.socket(family)) as client:
        client.settimeout(0.5)
        client.bind((source, 0))
        try:
            client.connect(target)
        except TimeoutError:
            return False
        return True


def remove() -> None:
    subprocess.run(["nft", "delete", "table", "inet", "postern"], check=True)

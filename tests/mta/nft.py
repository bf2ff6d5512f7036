"""The packet filter of our own network: tables that end with it, and touch no other."""

import os
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


def make_hook(room: Path) -> Path:
    """The folder of hooks, with that of the page in it."""
    folder = room / "push"
    folder.mkdir(exist_ok=True)
    (folder / "nftables").write_text(blocks.block("nftables", "hook"))
    (folder / "nftables").chmod(0o755)
    return folder


def capability() -> str:
    """What the page gives the job runner, in the words of setpriv(1)."""
    line = blocks.block("nftables", "capability").splitlines()[1]
    return line.removeprefix("AmbientCapabilities=CAP_").lower()


def apply(room: Path, feeds: Path) -> None:
    """Run the hook as the job runner does: without root, with that one capability."""
    one = f"+{capability()}"
    user = ["--reuid", "nobody", "--clear-groups", "--no-new-privs"]
    words = ["setpriv", *user, "--inh-caps", one, "--ambient-caps", one]
    subprocess.run(
        [*words, str(make_hook(room) / "nftables")],
        check=True, env={"PATH": os.defpath + ":/usr/sbin:/sbin", "POSTERN_FEED_DIR": str(feeds)},
    )  # fmt: skip


def holds(address: str) -> bool:
    """Whether the kernel has an address in its set."""
    name = f"refused{6 if ':' in address else 4}"
    words = ["nft", "get", "element", "inet", "postern", name, "{", address, "}"]
    return not subprocess.run(words, capture_output=True, check=False).returncode


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

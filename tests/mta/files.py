"""Feeds written by hand, in the forms that the servers get: for tests of the servers alone."""

import os
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from pathlib import Path

URL = "http://127.0.0.1:8000"
ZONE = """\
$SOA 60 bl.mail.example. postmaster.mail.example. {serial} 1h 15m 7d 60
$NS 60 bl.mail.example.
$TTL 60
{test} :127.0.0.2:Test entry of this list, serial {serial}
"""
TESTS = {4: "127.0.0.2/32", 6: "::ffff:7f00:2/128"}


def put(path: Path, text: str) -> None:
    """Replace a file as feeds are replaced: by a rename.

    rbldnsd knows a new file by its size and the whole seconds of its time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(text)
    if path.exists() and int(path.stat().st_mtime) >= int(new.stat().st_mtime):
        later = path.stat().st_mtime + 1
        os.utime(new, (later, later))
    new.rename(path)


def put_zones(feeds: Path, serial: int, listed: Mapping[str, str]) -> None:
    """``listed`` gives each prefix its answer, or "!" for an exception."""
    for family, name in ((4, "ip4"), (6, "ip6")):
        lines = [ZONE.format(serial=serial, test=TESTS[family])]
        for prefix, code in listed.items():
            if ip_network(prefix).version == family:
                words = f"Mail from $ is refused: see {URL}/delist/?address=$"
                lines.append(f"!{prefix}\n" if code == "!" else f"{prefix} :{code}:{words}\n")
        put(feeds / f"rbldnsd/{name}.zone", "".join(lines))


def put_tables(feeds: Path, serial: int, lines: Iterable[str]) -> None:
    head = f"127.0.0.2/32 550 5.7.606 Test entry of this list, serial {serial}\n"
    put(feeds / "postfix/client_access.cidr", head + "".join(f"{line}\n" for line in lines))


def refusal(address: str) -> str:
    return f"550 5.7.606 Mail from {address} is refused: see {URL}/delist/?address={address} (L1)"


def put_sets(feeds: Path, listed: Iterable[str]) -> None:
    lines = []
    for family, name in ((4, "refused4"), (6, "refused6")):
        lines.append(f"flush set inet postern {name}\n")
        found = [prefix for prefix in listed if ip_network(prefix).version == family]
        if found:
            lines.append(f"add element inet postern {name} {{ {', '.join(found)} }}\n")
    put(feeds / "nftables/sets.nft", "".join(lines))

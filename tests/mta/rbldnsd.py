"""rbldnsd, started as Debian starts it, and unbound in front of it, as docs/operate says."""

import shlex
from ipaddress import ip_address
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

from tests.mta import blocks
from tests.mta.servers import Server

ZONE = "bl.mail.example"
RBLDNSD, RESOLVER = 530, 53  # ports, as the page has them
# A world of our own: there is nothing but our zone, and nobody is asked.
WORLD = """\
server:
    directory: "/"
    username: ""
    use-syslog: no
    logfile: ""
    trust-anchor-signaling: no
    local-zone: "." static
    local-zone: "bl.mail.example." transparent
remote-control:
    control-enable: no
"""


def name_of(address: str) -> str:
    """What is asked for an address (RFC 5782, sections 2.1 and 2.4)."""
    pointer = ip_address(address).reverse_pointer
    return f"{pointer.removesuffix('.in-addr.arpa').removesuffix('.ip6.arpa')}.{ZONE}."


def ask(
    address: str, record: str = "A", port: int = RESOLVER, timeout: float = 5.0
) -> tuple[str, list[str], int]:
    """The response code, the answers as text, and the TTL (0 without an answer)."""
    return _ask(name_of(address), record, port, timeout)


def _ask(name: str, record: str, port: int, timeout: float) -> tuple[str, list[str], int]:
    question = dns.message.make_query(name, record)
    try:
        found = dns.query.udp(question, "127.0.0.1", timeout=timeout, port=port)
    except (OSError, dns.exception.Timeout):
        return "no answer", [], 0
    answers = [str(row).strip('"') for rows in found.answer for row in rows]
    ttl = found.answer[0].ttl if found.answer else 0
    return dns.rcode.to_text(found.rcode()), answers, ttl


class Rbldnsd(Server):
    """Serves the zone files below ``feeds`` on the port of the page."""

    def __init__(self, room: Path, feeds: Path, check: str = "-c 2s") -> None:
        text = blocks.block("rbldnsd", "default", feeds=str(feeds), check=check)
        ours = room / "default-rbldnsd"
        ours.write_text(text)
        super().__init__(
            "rbldnsd",
            ["/usr/sbin/rbldnsd.wrapper"],
            room=room,
            over={"/etc/default/rbldnsd": ours},
        )

    def answers(self) -> bool:
        return ask("127.0.0.2", port=RBLDNSD, timeout=0.3)[0] != "no answer"


class Unbound(Server):
    """The resolver of the mail servers."""

    def __init__(self, room: Path) -> None:
        ours = room / "unbound.conf.d"
        ours.mkdir()
        (ours / "world.conf").write_text(WORLD)
        (ours / "postern.conf").write_text(blocks.block("rbldnsd", "unbound"))
        super().__init__(
            "unbound",
            ["unbound", "-d", "-c", "/etc/unbound/unbound.conf"],
            room=room,
            over={"/etc/unbound/unbound.conf.d": ours},
        )

    def answers(self) -> bool:
        return _ask("nobody.example.", "A", RESOLVER, 0.3)[0] != "no answer"


def tried() -> list[list[str]]:
    """The commands by which the page has an operator try it."""
    return [shlex.split(line) for line in blocks.block("rbldnsd", "try").splitlines()]

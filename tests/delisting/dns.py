"""A name server on loopback that says what a test tells it to."""

import socket
import threading
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Key = tuple[str, str]  # name without the root's dot, type


@dataclass
class Dns:
    """``records`` by name and type; ``mute`` names get no answer, ``broken`` ones SERVFAIL."""

    records: dict[Key, list[str]] = field(default_factory=dict)
    mute: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    asked: list[Key] = field(default_factory=list)
    udp: socket.socket = field(
        default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    )

    def __post_init__(self) -> None:
        self.udp.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.udp.getsockname()[1]}"

    def stop(self) -> None:
        self.udp.close()

    def _serve(self) -> None:
        while True:
            try:
                raw, client = self.udp.recvfrom(4096)
            except OSError:
                return
            query = dns.message.from_wire(raw)
            question = query.question[0]
            name = question.name.to_text(omit_final_dot=True).lower()
            kind = dns.rdatatype.to_text(question.rdtype)
            self.asked.append((name, kind))
            if name in self.mute:
                continue
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.RA
            found = self.records.get((name, kind))
            if name in self.broken:
                reply.set_rcode(dns.rcode.SERVFAIL)
            elif found:
                reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
            elif not any(known == name for known, _kind in self.records):
                reply.set_rcode(dns.rcode.NXDOMAIN)
            self.udp.sendto(reply.to_wire(), client)

"""A small RDAP registry on this machine, for tests and for the demo.

It knows the documentation prefixes (RFC 5737, RFC 3849) and can misbehave: for
an address in ``moods``, or for any path with the mood in front, such as
``/drip/ip/192.0.2.1``.  ``python -m ownership.fake_registry --port 8043``
"""

import argparse
import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote

from escalation.prefixes import Prefix, contains

RECORDS = Path(__file__).parent / "data" / "demo_networks.json"
FLOOD = 50 * 1024 * 1024  # bytes
DEPTH = 200_000  # brackets
DRIP = 0.1  # seconds between two bytes
RETRY_AFTER = 120  # seconds
REGISTERED = "2012-05-04T09:00:00Z"
ABROAD = "https://registry.invalid"
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]


def _load() -> Record:
    loaded: Record = json.loads(RECORDS.read_text(encoding="utf-8"))
    return loaded


@dataclass
class FakeRegistry:
    """The registry; as a context manager it serves in a thread of its own.

    ``networks`` and ``national`` map a prefix to its record and may be changed
    while it runs, ``moods`` an address to a mood.  ``log`` holds every request.
    """

    host: str = "127.0.0.1"
    port: int = 0
    networks: dict[str, Record] = field(default_factory=dict)
    national: dict[str, Record] = field(default_factory=dict)
    moods: dict[str, str] = field(default_factory=dict)
    log: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        records = _load()
        self.networks = self.networks or {one["prefix"]: one for one in records["networks"]}
        self.national = self.national or {one["prefix"]: one for one in records["national"]}
        self.moods = self.moods or dict(records["moods"])
        self.stopping = threading.Event()
        self.server = _Server((self.host, self.port), _Handler)
        self.server.registry = self

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.server.server_address[1]}/"

    @property
    def place(self) -> str:
        """Host and port, as the client's rules name them."""
        return f"{self.host}:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    def remove_contact(self, prefix: str, email: str) -> None:
        """Take an address out of a network's record, as its holder would."""
        record = self.networks[prefix]
        record["contacts"] = [
            {**one, "emails": [mail for mail in one["emails"] if mail != email]}
            for one in record["contacts"]
        ]

    # -- Answers -------------------------------------------------------------------

    def network(self, asked: str, records: dict[str, Record], path: str) -> Record | None:
        """The most specific network that holds what was asked for."""
        try:
            wanted = ip_network(asked)
        except ValueError:
            return None
        holding = [key for key in records if contains(ip_network(key), wanted)]
        if not holding:
            return None
        return self.document(records[max(holding, key=lambda key: ip_network(key).prefixlen)], path)

    def above(self, handle: str) -> Record | None:
        """The network around the one with that handle."""
        child = next((key for key, one in self.networks.items() if one["handle"] == handle), None)
        parent = self._parent(ip_network(child)) if child else None
        return self.document(parent, f"/ip/{parent['prefix']}") if parent else None

    def _parent(self, prefix: Prefix) -> Record | None:
        wider = [
            key
            for key in self.networks
            if ip_network(key) != prefix and contains(ip_network(key), prefix)
        ]
        if not wider:
            return None
        return self.networks[max(wider, key=lambda key: ip_network(key).prefixlen)]

    def entity(self, handle: str) -> Record | None:
        for record in [*self.networks.values(), *self.national.values()]:
            for contact in record["contacts"]:
                if contact["handle"] == handle:
                    return {"rdapConformance": ["rdap_level_0"], **_entity(contact)}
        return None

    def document(self, record: Record, path: str) -> Record:
        """The record as an RDAP object (RFC 9083)."""
        prefix = ip_network(record["prefix"])
        key = "v4prefix" if prefix.version == 4 else "v6prefix"
        cidr = {key: str(prefix.network_address), "length": prefix.prefixlen}
        return {
            "rdapConformance": ["rdap_level_0", "cidr0"],
            "objectClassName": "ip network",
            "handle": record["handle"],
            "startAddress": str(prefix.network_address),
            "endAddress": str(prefix.broadcast_address),
            "ipVersion": f"v{prefix.version}",
            "name": record["name"],
            "type": record["type"],
            "country": record["country"],
            "status": ["active"],
            "cidr0_cidrs": [cidr],
            "events": [
                {"eventAction": "registration", "eventDate": record.get("registered", REGISTERED)},
                {"eventAction": "last changed", "eventDate": "2024-03-01T09:00:00Z"},
            ],
            "remarks": [{"description": record.get("remarks", [])}],
            "entities": _entities(record),
            "links": self._links(record, prefix, path),
        }

    def _links(self, record: Record, prefix: Prefix, path: str) -> list[Record]:
        base, here = self.url.rstrip("/"), self.url.rstrip("/") + path
        links = [("self", f"{base}/ip/{record['prefix']}")]
        parent = self._parent(prefix)
        if parent:
            above = f"{base}/ips/rirSearch1/rdap-up/{quote(record['handle'], safe='')}"
            links += [("rdap-up", above), ("rdap-up rdap-active", f"{above}?status=active")]
        if record.get("related"):
            links.append(("related", f"{base}/{record['related']}{path}"))
        return [
            {"value": here, "rel": rel, "href": href, "type": "application/rdap+json"}
            for rel, href in links
        ]


def _entities(record: Record) -> list[Record]:
    holder = record.get("organisation")
    entities = [_entity({**holder, "kind": "org", "roles": ["registrant"]})] if holder else []
    return entities + [_entity(contact) for contact in record["contacts"]]


def _entity(contact: Record) -> Record:
    card = [
        ["version", {}, "text", "4.0"],
        ["fn", {}, "text", contact["name"]],
        ["kind", {}, "text", contact["kind"]],
        *(["email", {}, "text", email] for email in contact.get("emails", [])),
    ]
    return {
        "objectClassName": "entity",
        "handle": contact["handle"],
        "roles": contact["roles"],
        "vcardArray": ["vcard", card],
    } | ({"status": ["validated"]} if contact.get("validated") else {})


# -- Over HTTP -------------------------------------------------------------------------


class _Server(ThreadingHTTPServer):
    registry: FakeRegistry

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is what this server is for."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *arguments: object) -> None:
        """Say nothing on stderr: ``FakeRegistry.log`` has it all."""

    def do_GET(self) -> None:
        registry = self.server.registry
        registry.log.append(Asked(self.path, dict(self.headers)))
        _, first, *rest = self.path.split("/")
        if first in MOODS:
            MOODS[first](self, "/" + "/".join(rest))
            return
        path = unquote(self.path.partition("?")[0])
        mood = registry.moods.get(path.rpartition("/ip/")[2])
        if mood:
            MOODS[mood](self, self.path)
        else:
            self.answer(path)

    def answer(self, path: str) -> None:
        """What a well-behaved registry says."""
        registry = self.server.registry
        _, first, *rest = path.split("/")
        asked = "/".join(rest)
        found: Record | None = None
        if first == "ip":
            found = registry.network(asked, registry.networks, path)
        elif first == "nir" and asked.startswith("ip/"):
            found = registry.network(asked.removeprefix("ip/"), registry.national, path)
        elif first == "ips":
            found = registry.above(asked.removeprefix("rirSearch1/rdap-up/"))
        elif first == "entity":
            found = registry.entity(asked)
        if found is None:
            self.problem(404, "Not Found")
        else:
            self.send(200, found)

    def send(self, status: int, document: Record, **headers: str) -> None:
        self.start(status, **headers)
        self.wfile.write(json.dumps(document, ensure_ascii=False).encode())

    def start(self, status: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/rdap+json")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def problem(self, status: int, title: str, **headers: str) -> None:
        self.send(status, {"errorCode": status, "title": title, "description": []}, **headers)


def _plain(handler: _Handler, path: str) -> None:
    handler.answer(unquote(path.partition("?")[0]))


def _redirect(handler: _Handler, path: str) -> None:
    handler.start(302, Location=f"/plain{path}")


def _redirect_abroad(handler: _Handler, path: str) -> None:
    handler.start(302, Location=f"{ABROAD}{path}")


def _redirect_loop(handler: _Handler, path: str) -> None:
    handler.start(302, Location=f"/redirect_loop{path}")


def _rate_limited(handler: _Handler, path: str) -> None:
    handler.problem(429, "Too Many Requests", Retry_After=str(RETRY_AFTER))


def _not_found(handler: _Handler, path: str) -> None:
    handler.problem(404, "Not Found")


def _server_error(handler: _Handler, path: str) -> None:
    handler.problem(503, "Service Unavailable")


def _drip(handler: _Handler, path: str) -> None:
    """A body that comes byte by byte, each well within any read timeout."""
    handler.start(200)
    _trickle(handler, b'{"objectClassName": "ip network", "name": "' + b"x" * 1000)


def _slow_headers(handler: _Handler, path: str) -> None:
    _trickle(handler, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000)


def _trickle(handler: _Handler, body: bytes) -> None:
    for byte in body:
        if handler.server.registry.stopping.wait(DRIP):
            break
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()


def _flood(handler: _Handler, path: str) -> None:
    handler.start(200)
    piece = b" " * 65536
    for _ in range(FLOOD // len(piece)):
        handler.wfile.write(piece)


def _deep(handler: _Handler, path: str) -> None:
    handler.start(200)
    handler.wfile.write(b"[" * DEPTH)


def _not_json(handler: _Handler, path: str) -> None:
    handler.start(200)
    handler.wfile.write(b"<html><body>Under maintenance</body></html>")


def _catch_all(handler: _Handler, path: str) -> None:
    record = {
        "prefix": "0.0.0.0/0",
        "handle": "0.0.0.0 - 255.255.255.255",
        "name": "IANA-BLK",
        "type": "ALLOCATED UNSPECIFIED",
        "country": "EU",
        "organisation": {"handle": "ORG-IANA1", "name": "Internet Assigned Numbers Authority"},
        "contacts": [
            {"handle": "IANA1", "name": "IANA", "kind": "group", "roles": ["administrative"],
             "emails": ["bitbucket@ripe.net"]},
        ],
    }  # fmt: skip
    handler.send(200, handler.server.registry.document(record, path))


def _roleless(handler: _Handler, path: str) -> None:
    """The old AFRINIC form: entities without roles, the abuse address in a remark."""
    registry = handler.server.registry
    record = {**registry.networks["192.0.2.0/24"], "remarks": ["abuse: abuse@hosting.example"]}
    if path.rpartition("/ip/")[2] in registry.moods:
        record["prefix"] = "203.0.113.248/29"
    document = registry.document(record, path)
    document["entities"] = [
        {key: value for key, value in one.items() if key != "roles"}
        for one in document["entities"]
        if one["roles"] != ["abuse"]
    ]
    handler.send(200, document)


MOODS: dict[str, Callable[[_Handler, str], None]] = {
    "plain": _plain,
    "redirect": _redirect,
    "redirect_abroad": _redirect_abroad,
    "redirect_loop": _redirect_loop,
    "rate_limited": _rate_limited,
    "not_found": _not_found,
    "server_error": _server_error,
    "drip": _drip,
    "slow_headers": _slow_headers,
    "flood": _flood,
    "deep": _deep,
    "not_json": _not_json,
    "catch_all": _catch_all,
    "roleless": _roleless,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="A made-up RDAP registry on this machine.")
    parser.add_argument("--port", type=int, default=8043)
    registry = FakeRegistry(port=parser.parse_args().port)
    sys.stdout.write(f"made-up registry at {registry.url}\n")
    sys.stdout.flush()
    try:
        registry.server.serve_forever()
    except KeyboardInterrupt:
        registry.server.server_close()


if __name__ == "__main__":
    main()

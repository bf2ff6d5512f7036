"""Connections that are watched: whom they reach, and how long they may last."""

import socket
import threading
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from time import monotonic
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from escalation.prefixes import Address, is_public


class PeerRefused(HTTPError):
    """The host's name leads to an address that is not public."""


class Watch:
    """Sees every connection right after it is made, before anything is asked over it.

    Refuses one that ended inside somebody's own network, and cuts it off at
    ``deadline`` (by the monotonic clock), whatever the other side is doing
    then: a timeout for each read alone would let it drip for ever.
    """

    def __init__(self, deadline: float, *, inside_allowed: bool = False) -> None:
        self.deadline = deadline
        self.inside_allowed = inside_allowed
        self.rang = False
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()

    def connected(self, connection: HTTPConnection) -> None:
        peer = connection.sock
        if peer is None:
            raise PeerRefused("there is no connection")
        if not self.inside_allowed:
            _refuse_inside(peer)
        left = max(0.0, self.deadline - monotonic())
        self._timer = threading.Timer(left, self._ring, [peer])
        self._timer.daemon = True
        self._timer.start()

    def _ring(self, peer: socket.socket) -> None:
        self.rang = True
        try:  # the plain shutdown, also under TLS, whose own waits for the other side
            socket.socket.shutdown(peer, socket.SHUT_RDWR)
        except OSError:
            return  # closed meanwhile


def _refuse_inside(peer: socket.socket) -> None:
    address: Address = ip_address(str(peer.getpeername()[0]).partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if not is_public(ip_network(address)):
        peer.close()
        raise PeerRefused(f"the name leads to {address}, which is not public")


OnConnect = Callable[[HTTPConnection], None]


class WatchedHTTPConnection(HTTPConnection):
    def __init__(self, *arguments: Any, on_connect: OnConnect, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.on_connect = on_connect

    def connect(self) -> None:
        super().connect()
        self.on_connect(self)


class WatchedHTTPSConnection(HTTPSConnection):
    def __init__(self, *arguments: Any, on_connect: OnConnect, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.on_connect = on_connect

    def connect(self) -> None:
        super().connect()
        self.on_connect(self)


class WatchedHTTPPool(HTTPConnectionPool):
    ConnectionCls = WatchedHTTPConnection


class WatchedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = WatchedHTTPSConnection


def pool(url: str, watch: Watch) -> HTTPConnectionPool:
    """A pool of one watched connection to the host of ``url``; no proxy, no cookies."""
    parts = urlsplit(url)
    kind = WatchedHTTPSPool if parts.scheme == "https" else WatchedHTTPPool
    return kind(parts.hostname or "", parts.port, maxsize=1, on_connect=watch.connected)


def path(url: str) -> str:
    """What stands in the request line."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

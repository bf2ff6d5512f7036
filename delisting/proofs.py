"""Other ways than a letter to show control of the host: level 1 of the proofs, by its own means.

A TXT record at the reverse name, or a file on the server.  Everything is asked within seconds,
of the listed address only, and outside any transaction.  (A mail from the address comes in by
``manage.py receive-proof``.)
"""

import http.client
import socket
import time
from typing import Final

import dns.exception
from django.conf import settings
from django.utils.translation import gettext as _

from delisting.models import DelistRequest, Proof
from escalation import resolving
from escalation.errors import Refused
from escalation.prefixes import Address

SECONDS: Final = 5.0  # for all that the server takes
MOST: Final = 8192  # octets of the answer that are read
PORT: Final = 80
MARK: Final = "postern="
PATH: Final = "/.well-known/postern.txt"


class NotFound(Refused):
    """The proof is not there, or could not be looked at; the message says which."""

    code = "proof-not-found"
    status = 422


def record(request: DelistRequest) -> str:
    """What the TXT record, the file or the subject of the mail must hold."""
    return f"{MARK}{request.challenge}"


def name(request: DelistRequest) -> str:
    """The reverse name at which the TXT record is looked for."""
    return resolving.reverse_name(request.host)


def url(request: DelistRequest) -> str:
    """Where the file is looked for."""
    return f"http://{_host(request.host)}{PATH}"


def mailbox(request: DelistRequest) -> str:
    """Where a mail from the address itself proves it."""
    return f"delist+{request.challenge}@{settings.POSTERN_LETTER_DOMAIN}"


def _host(address: Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)


def check(request: DelistRequest, method: str) -> None:
    """Look for the proof now; raises ``NotFound`` with words that say what was seen."""
    if method == Proof.TXT:
        _check_txt(request)
    elif method == Proof.FILE:
        _check_file(request)
    elif method == Proof.MAIL and request.proof == Proof.MAIL:
        return
    elif method == Proof.MAIL:
        raise NotFound(_("No mail from the address has come yet. Look again in a minute."))
    else:
        raise NotFound(_("That is no way that we can look at."))


def _check_txt(request: DelistRequest) -> None:
    at = name(request)
    try:
        found = resolving.texts(at)
    except dns.exception.DNSException as error:
        raise NotFound(
            _("We could not look up %(name)s just now. Try again in a minute.") % {"name": at}
        ) from error
    if record(request) not in [text.strip() for text in found]:
        raise NotFound(
            _("There is no such TXT record at %(name)s yet: we see %(n)d others there.")
            % {"name": at, "n": len(found)}
        )


def _check_file(request: DelistRequest) -> None:
    address = request.host
    try:
        status, body = _get(str(address), _host(address))
    except (OSError, ValueError) as error:
        raise NotFound(
            _("The server at %(address)s did not answer on port %(port)d. Try again in a minute.")
            % {"address": address, "port": PORT}
        ) from error
    if status != http.client.OK:
        raise NotFound(
            _("The server answered %(status)d for %(url)s, and we follow no redirect.")
            % {"status": status, "url": url(request)}
        )
    if record(request) not in body.split():
        raise NotFound(_("The file at %(url)s does not hold our line.") % {"url": url(request)})


def _get(address: str, host: str) -> tuple[int, str]:
    """Status and beginning of the body of ``PATH``, by HTTP/1.0: one end for all that it takes.

    A client library's timeout is for each read, which a server can make last for ever.
    Raises ``OSError``, and ``ValueError`` for what is no HTTP.
    """
    end = time.monotonic() + SECONDS
    asked = f"GET {PATH} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: Postern\r\n\r\n"
    said = b""
    with socket.create_connection((address, PORT), timeout=SECONDS) as connection:
        connection.sendall(asked.encode("ascii"))
        while len(said) < MOST and (left := end - time.monotonic()) > 0:
            connection.settimeout(left)
            if not (some := connection.recv(MOST)):
                break
            said += some
    head, _gap, body = said[:MOST].partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/"):
        raise ValueError("no HTTP")
    return int([*head.split(b" ", 2), b""][1][:3]), body.decode("ascii", "replace")

"""The service that takes mail by LMTP (RFC 2033) or SMTP (RFC 5321).

A mail is acknowledged when its rows are committed and not before; whatever goes wrong until then
is answered with 451, and the mail server keeps the mail.  What is not ours to take, and what is
too large, is refused for good.  The answers are read by mail servers: ASCII, in English.
"""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import close_old_connections, connection

from mailroom.models import Channel
from mailroom.receiving import MAX_BYTES, purpose_of, store

log = logging.getLogger(__name__)

CONNECTIONS: Final = 20  # at once; each may hold a mail of MAX_BYTES in memory, twice
BACKLOG: Final = 100  # connections that wait to be taken
THREADS: Final = 4  # that talk to the database
RECIPIENTS: Final = 20  # of one mail
SECONDS: Final = 300  # for one command and what belongs to it (RFC 5321, section 4.5.3.2.7)
GRACE: Final = 30.0  # seconds for mails that are on their way in when we are asked to stop
PIECE: Final = 64 * 1024  # octets of a long line that are taken at once

STORED: Final = "250 2.0.0 Ok: it is kept"
BUSY: Final = "421 4.3.2 Too many connections at once: try again soon"
NOT_OURS: Final = "550 5.1.1 Only junk@, not_junk@ and our own bounces are read here"
TOO_MANY: Final = "452 4.5.3 Too many recipients for one mail: send it again for the others"
TOO_LARGE: Final = f"552 5.3.4 A mail may have at most {MAX_BYTES} octets"
LATER: Final = "451 4.3.0 It could not be kept just now: try again later"


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen: at ``path`` in the file system, or at ``host`` and ``port``."""

    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> "Place":
        """``unix:PATH``, or ADDRESS:PORT with an IPv6 address in brackets.

        Raises ``ValueError`` with words.
        """
        if text.startswith("unix:/"):
            return cls(path=text.removeprefix("unix:"))
        host, _colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        try:
            place = cls(host=str(ip_address(host)), port=int(port))
        except ValueError:
            place = cls()
        if not place.host or not 0 <= place.port <= 65535:
            raise ValueError("write 127.0.0.1:2525 or unix:/PATH")
        return place

    def listener(self) -> socket.socket:
        """A socket that listens here, in place of a file that was left over.

        Raises ``OSError``.  Who may reach a file, its folder says.
        """
        if not self.path:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            return socket.create_server((self.host, self.port), family=family, backlog=BACKLOG)
        path = Path(self.path)
        if path.is_socket():
            path.unlink()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        path.chmod(0o666)
        listener.listen(BACKLOG)
        return listener

    @property
    def is_private(self) -> bool:
        """Whether only this machine reaches it."""
        return bool(self.path) or ip_address(self.host).is_loopback


class Conversation(SMTP):
    """One connection; takes lines of any length, and counts what comes in."""

    line_length_limit = PIECE

    def __init__(self, service: "Service") -> None:
        super().__init__(
            service, data_size_limit=MAX_BYTES, enable_SMTPUTF8=True, timeout=SECONDS,
            hostname=settings.POSTERN_LETTER_DOMAIN, ident="Postern",
            loop=asyncio.get_running_loop(),
        )  # fmt: skip
        self.service = service
        self.is_taking = False
        service.open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.service.open.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        if self.transport is not None:
            self.transport.close()

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 -- aiosmtpd's name
        if await self.check_helo_needed():
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Nobody of ours was named as recipient")
        elif arg:
            await self.push("501 5.5.4 Syntax: DATA")
        else:
            self.is_taking = True
            try:
                await self._take(self.envelope)
            finally:
                self.is_taking = False
        if self.service.stopping:
            self.hang_up()

    async def _take(self, envelope: Envelope) -> None:
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        raw, recipients = await octets(self._reader), envelope.rcpt_tos
        if raw is None:
            answers = [TOO_LARGE] * len(recipients)
        else:
            sender = envelope.mail_from or ""
            answers = await self.service.keep(raw, sender, recipients)
        self.envelope = self._create_envelope()
        await self.push(self._in_one(answers))

    def _in_one(self, answers: list[str]) -> str:
        """SMTP has one answer for all recipients: the first that is no yes."""
        return next((answer for answer in answers if answer != STORED), STORED)


class LmtpConversation(Conversation, LMTP):
    """One connection by LMTP."""

    def _in_one(self, answers: list[str]) -> str:
        """An answer for each recipient, in their order (RFC 2033, section 4.2)."""
        return "\r\n".join(answers)


async def octets(reader: asyncio.StreamReader) -> bytes | None:
    """The mail as it was sent, up to the lone dot (RFC 5321, section 4.5.2); None if too large.

    Only CR LF ends a line, and a line may be longer than the reader's limit.
    """
    pieces: list[bytes] = []
    size, at_start = 0, True
    while True:
        try:
            piece = await reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError as error:
            piece = await reader.readexactly(error.consumed)
        if at_start and piece.startswith(b"."):
            if piece == b".\r\n":
                break
            piece = piece[1:]
        at_start = piece.endswith(b"\r\n")
        size += len(piece)
        if size <= MAX_BYTES:
            pieces.append(piece)
        else:
            pieces.clear()
    return b"".join(pieces) if size <= MAX_BYTES else None


class Busy(asyncio.Protocol):
    """What a connection beyond the limit hears."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(BUSY.encode() + b"\r\n")
            transport.close()


class Service:
    """Listens at one place until SIGTERM or SIGINT, then lets the mails on their way come in."""

    def __init__(self, *, is_lmtp: bool = True) -> None:
        self.kind: type[Conversation] = LmtpConversation if is_lmtp else Conversation
        self.open: set[Conversation] = set()
        self.stopping = False
        self.pool = ThreadPoolExecutor(THREADS, "keep")

    def serve(self, listener: socket.socket, ready: Callable[[], None]) -> None:
        """Answer whoever comes to ``listener``; ``ready`` is called once a signal is heard."""
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # else it tells every command
        try:
            asyncio.run(self._serve(listener, ready))
        finally:
            self.pool.shutdown()

    async def _serve(self, listener: socket.socket, ready: Callable[[], None]) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        create = (
            loop.create_unix_server if listener.family == socket.AF_UNIX else loop.create_server
        )
        server = await create(self._answer, sock=listener)
        ready()
        await stop.wait()
        self.stopping = True
        server.close()
        await self._let_them_end()

    def _answer(self) -> asyncio.BaseProtocol:
        return self.kind(self) if len(self.open) < CONNECTIONS else Busy()

    async def _let_them_end(self) -> None:
        for one in [one for one in self.open if not one.is_taking]:
            one.hang_up()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                while any(one.is_taking for one in self.open):
                    await asyncio.sleep(0.05)

    async def keep(self, raw: bytes, sender: str, recipients: list[str]) -> list[str]:
        """Store a mail for each recipient; the answers to them."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, _keep, raw, sender, recipients)

    # -- What aiosmtpd calls ------------------------------------------------------

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str,
        responses: list[str],
    ) -> list[str]:  # fmt: skip
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", *responses[-1:]]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if purpose_of(address) is None:
            return NOT_OURS
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return TOO_MANY
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_exception(self, error: Exception) -> str:
        log.error("a conversation failed", exc_info=error)
        return LATER


def _keep(raw: bytes, sender: str, recipients: list[str]) -> list[str]:
    close_old_connections()
    return [_keep_one(raw, sender, recipient) for recipient in recipients]


def _keep_one(raw: bytes, sender: str, recipient: str) -> str:
    purpose = purpose_of(recipient)
    if purpose is None:
        return NOT_OURS
    try:
        store(raw, purpose=purpose, channel=Channel.LMTP, mail_from=sender, recipient=recipient)
    except Exception:
        log.exception("a mail could not be stored")
        connection.close()
        return LATER
    return STORED

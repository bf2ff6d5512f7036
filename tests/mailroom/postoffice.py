"""A real mail server on this machine, with the manners that a test wants."""

import asyncio
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

QUEUED = "250 2.0.0 Ok: queued as 4F1B2"


class OnAFreePort(Controller):
    """The system chooses the port when the server opens."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = int(self.server.sockets[0].getsockname()[1])
        super()._trigger_server()  # type: ignore[no-untyped-call]


class PostOffice:
    """Takes mail on a free port of 127.0.0.1.

    ``recipients`` maps an address to the answer to RCPT, ``senders`` one to
    MAIL; ``answer`` is the answer to the text.  ``hang`` seconds pass before
    it; with ``drop`` the connection is cut instead, after the mail was taken.
    """

    def __init__(self) -> None:
        self.recipients: dict[str, str] = {}
        self.sender_answer = "250 OK"
        self.answer = QUEUED
        self.hang = 0.0
        self.drop = False
        self.taken: list[Envelope] = []
        self.n_connections = 0
        self.controller = OnAFreePort(self, hostname="127.0.0.1", port=0)

    # -- What aiosmtpd calls ------------------------------------------------------

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: Any
    ) -> Any:
        self.n_connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sender_answer.startswith("250"):
            envelope.mail_from = address
        return self.sender_answer

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.recipients.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.hang:
            await asyncio.sleep(self.hang)
        if self.answer.startswith("250"):
            self.taken.append(envelope)
        if self.drop:
            assert server.transport is not None
            server.transport.abort()
        return self.answer

    # -- What tests ask -----------------------------------------------------------

    def mail(self, number: int = -1) -> EmailMessage:
        """A mail that was taken, parsed."""
        content = self.taken[number].content
        assert isinstance(content, bytes)
        return BytesParser(EmailMessage, policy=default).parsebytes(content)

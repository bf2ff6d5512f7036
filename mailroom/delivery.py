"""Handing letters to the mail server, and what its answers mean."""

import logging
import smtplib
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from django.core import mail

from escalation.errors import TryAgainLater
from mailroom import outgoing
from mailroom.models import Letter
from mailroom.rendering import single_line

log = logging.getLogger(__name__)

LONGEST_REPLY: Final = 1000  # characters kept
CLOSING: Final = 421  # the server ends the connection with this answer
# Answers to us and our settings, not to the recipient: log in, use TLS, unknown command.
ABOUT_US: Final = frozenset({500, 502, 503, 504, 530, 534, 535, 538})


@dataclass(frozen=True, slots=True)
class Answer:
    """The last word of the mail server about one letter; ``code`` None if it said nothing."""

    accepted: bool
    code: int | None
    reply: str


class NotNow(TryAgainLater):
    """Neither accepted nor refused: the server said to wait, or said nothing."""

    def __init__(self, message: str, code: int | None = None, reply: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reply = reply


class Carrier:
    """One connection to the mail server for many letters.

    Opened for the first letter, and anew for the next one after it broke.  Any
    of Django's mail backends will do; each step of an SMTP conversation ends
    after ``EMAIL_TIMEOUT``.
    """

    def __init__(self) -> None:
        self._server: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hang_up()

    def hand_over(self, letter: Letter) -> Answer:
        """Give ``letter`` to the server; call it outside any transaction.

        Raises ``NotNow`` when there is no last word.  The server may then have
        taken the letter all the same: the next try is the same mail with the
        same Message-ID.
        """
        message = outgoing.message(letter)
        try:
            n_sent = self._connected().send_messages([message])
        except smtplib.SMTPRecipientsRefused as error:
            code, reply = next(iter(error.recipients.values()))
            return self._judge(code, reply)
        except smtplib.SMTPDataError as error:
            return self._judge(error.smtp_code, error.smtp_error)
        except smtplib.SMTPResponseException as error:
            self._hang_up()
            raise _not_now(error.smtp_code, in_words(error.smtp_error)) from error
        except (smtplib.SMTPException, OSError) as error:
            self._hang_up()
            words = single_line(str(error), LONGEST_REPLY) or "no answer"
            raise NotNow(f"{type(error).__name__}: {words}") from error
        if not n_sent:
            raise NotNow("The mail backend did not take the letter.")
        last_reply: tuple[int, bytes] | None = getattr(self._server, "last_reply", None)
        if last_reply is None:
            return Answer(True, None, "")
        return Answer(True, last_reply[0], in_words(last_reply[1]))

    def _judge(self, code: int, said: bytes | str) -> Answer:
        """What an answer to the recipient or to the text means."""
        if code == CLOSING:
            self._hang_up()
        reply = in_words(said)
        if 500 <= code <= 599 and code not in ABOUT_US:
            return Answer(False, code, reply)
        raise _not_now(code, reply)

    def _connected(self) -> Any:
        if self._server is None:
            self._server = mail.get_connection(fail_silently=False)
            self._server.open()
        return self._server

    def _hang_up(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        try:
            server.close()
        except (smtplib.SMTPException, OSError) as error:
            log.info("the mail server did not say goodbye: %s", error)


def _not_now(code: int, reply: str) -> NotNow:
    return NotNow(f"{code} {reply}", code if 100 <= code <= 999 else None, reply)


def in_words(reply: bytes | str) -> str:
    """What the server said, on one line; its lines are no promise of any encoding."""
    said = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return single_line(said, LONGEST_REPLY)

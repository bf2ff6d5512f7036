"""Django's SMTP backend, which also tells what the server said to a letter that it took.

With that answer ("250 2.0.0 Ok: queued as 4F1B2") a letter can be followed in
the log of the mail server.
"""

import smtplib
from typing import Any

from django.core.mail.backends.smtp import EmailBackend

Reply = tuple[int, bytes]


class _Server(smtplib.SMTP):
    last_reply: Reply | None = None

    def data(self, msg: Any) -> Reply:
        self.last_reply = super().data(msg)
        return self.last_reply


class _ServerOverTLS(_Server, smtplib.SMTP_SSL):
    pass


class Backend(EmailBackend):
    """Send by SMTP; ``last_reply`` is the answer to the last message taken."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _ServerOverTLS if self.use_ssl else _Server

    @property
    def last_reply(self) -> Reply | None:
        return self.connection.last_reply if isinstance(self.connection, _Server) else None

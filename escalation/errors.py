"""What the desk may refuse to do; every domain error is one of these."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

type_of_text = str | Promise


class Refused(Exception):
    """A request that is well formed but that the desk's rules do not allow.

    ``code`` is stable and machine readable; the message is for people and
    names what would make the request succeed.  ``escalation.problems`` turns
    a refusal into an HTTP answer, pages show its message.  ``link`` is the
    path of a page that helps, "" if there is none.
    """

    code = "refused"
    status = 409
    title: type_of_text = _("The desk does not allow this")

    def __init__(self, message: type_of_text, *, link: str = "", field: str = "") -> None:
        super().__init__(str(message))
        self.message = str(message)
        self.link = link
        self.field = field


class KeyReused(Refused):
    """An idempotency key came before with another request."""

    code = "idempotency-key-reused"
    status = 422
    title = _("This idempotency key stands for another request")


class TryAgainLater(Exception):
    """The outside world gave no answer, neither yes nor no; worth another try.

    ``after`` is the number of seconds to wait, None for the usual backoff.
    """

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after

"""What became of a report, for whoever made it: in words that do not tell whose mail it was about.

What a customer of ours has to do is said only where the evidence stands behind the report: else
anybody could make up a report to learn how a customer stands.
"""

from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from abuse.kinds import PROVED, Filed
from abuse.lifecycle import State
from abuse.models import Report
from mailroom import tokens
from mailroom.models import Purpose, Received

MOST: Final = 50  # lines of a page; an upload has fewer
LIVE: Final = 3  # seconds between two looks while it is being read
LIVE_SLOWLY: Final = 15  # while a registry is asked


@dataclass(frozen=True, slots=True)
class Line:
    """One mail: a state in a word or two, its look (a class of ``.tag``), and what it means."""

    mail: Received
    report: Report | None
    state: str
    look: str
    words: str
    seconds: int = 0  # after which a look is worth while; 0 for never


def mails(token: str) -> "QuerySet[Received]":
    """The mails that the secret of a link stands for."""
    rows = Received.objects.filter(
        link_digest=tokens.digest(token), purpose__in=(Purpose.JUNK, Purpose.NOT_JUNK)
    )
    return rows.select_related("report__incident").defer("raw", "report__evidence", "report__facts")


def lines(token: str) -> list[Line]:
    """A line for each mail of an upload, in the order in which they came; empty for none."""
    return [line(row) for row in mails(token).order_by("pk")[:MOST]]


def line(mail: Received) -> Line:
    """What became of one mail."""
    report: Report | None = getattr(mail, "report", None)
    if report is None and mail.unread:
        words = _("We could not read this file by machine. A person looks at it.")
        return Line(mail, None, _("not read yet"), "warn", words)
    if report is None:
        return Line(mail, None, _("being read"), "wait", _("It is with us, and safe."), LIVE)
    if report.filed == Filed.NOT_OURS:
        return _not_ours(mail, report)
    if report.filed in {Filed.COUNTED, Filed.SAME_REPORTER}:
        return _counted(mail, report)
    state, look, words = _filed(report.filed)
    return Line(mail, report, state, look, words)


def _filed(filed: str) -> tuple[str, str, str]:
    said: dict[str, tuple[str, str, str]] = {
        Filed.DUPLICATE: (
            _("reported before"), "",
            _("Somebody has reported this message already, and it counts once."),
        ),
        Filed.NO_TENANT: (
            _("an agent looks"), "wait",
            _("It may have come from us, but nothing in it says from which customer. An agent "
              "looks at it."),
        ),
        Filed.NOT_JUNK: (
            _("noted"), "good",
            _("We have noted that it was filtered wrongly. Those who tend the filters see it."),
        ),
        Filed.UNSUBSCRIBE: (
            _("wants no more"), "",
            _("We took it as a wish to get no more of these mails, and not as a report of junk."),
        ),
        Filed.AUTO_REPLY: (
            _("automatic reply"), "",
            _("This is a reply that nobody wrote by hand. It reports nothing, and ends here."),
        ),
        Filed.NOTICE: (
            _("a notice"), "",
            _("This is a machine’s notice about something else than junk. It is not counted."),
        ),
        Filed.PLAIN: (
            _("a person reads it"), "wait",
            _("We found no message in it that it could be about. A person reads it. To report "
              "junk, save the message itself as an .eml file and send that."),
        ),
    }  # fmt: skip
    return said[filed]


def _counted(mail: Received, report: Report) -> Line:
    once = report.filed == Filed.SAME_REPORTER
    state = _("kept") if once else _("counted")
    if report.strength not in PROVED or report.incident is None:
        words = _(
            "It is counted. But nothing in it proves who sent it, and we stop nobody for that "
            "alone: if you can, send the whole message with all of its headers."
        )
        if once:
            words = _(
                "You were counted today already: this one is kept with the others, though nothing "
                "in it proves who sent it."
            )
        return Line(mail, report, state, "", words)
    words = _incident(report.incident.state)
    if once:
        words = _("You were counted today already: this one is kept with the others.") + " " + words
    return Line(mail, report, state, "good", words)


def _incident(state: str) -> str:
    said: dict[str, str] = {
        State.OPEN: _(
            "It came from a customer of ours. We see who else reports them, and act when it is "
            "more than one mail gone astray."
        ),
        State.WARNED: _("It came from a customer of ours, who has been warned."),
        State.ASKED: _(
            "It came from a customer of ours, who has been asked what happened and what they do "
            "about it."
        ),
        State.ANSWERED: _(
            "It came from a customer of ours, who has told us what happened. An agent looks at it."
        ),
        State.RESTRICTED: _(
            "It came from a customer of ours, who cannot send as before until this is solved."
        ),
        State.RESOLVED: _(
            "It came from a customer of ours. The matter is closed: it has stopped, as far as we "
            "can see. If more comes, report it again."
        ),
        State.DISMISSED: _(
            "It came from a customer of ours. An agent looked at it and found nothing to stop. If "
            "more comes, report it again."
        ),
    }
    return said[state]


def _not_ours(mail: Received, report: Report) -> Line:
    state, seconds = _("not from us"), 0
    if not report.source_address:
        words = _("It did not come from us, and its header does not say where it came from.")
    elif report.holder:
        words = _(
            "%(address)s is where it came from, and that is none of our addresses. It belongs to "
            "the space of this holder: %(holder)s. Report it there."
        ) % {"address": report.source_address, "holder": report.holder}
    elif report.due_at:
        seconds = LIVE_SLOWLY
        words = _(
            "%(address)s is where it came from, and that is none of our addresses. We look up "
            "whose it is: come back in some minutes."
        ) % {"address": report.source_address}
    else:
        words = _(
            "%(address)s is where it came from, and that is none of our addresses. The registries "
            "did not tell us whose it is."
        ) % {"address": report.source_address}
    return Line(mail, report, state, "", words, seconds)


def live(rows: list[Line]) -> int:
    """After how many seconds the page looks again, 0 for never."""
    return min((row.seconds for row in rows if row.seconds), default=0)

"""Where a request stands, for its page and as JSON: plain rows, no secret among them."""

import re
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from delisting import guards
from delisting.lifecycle import OPEN, State
from delisting.models import DelistRequest, Outcome
from escalation import prefixes
from escalation.actors import SENDER
from escalation.standing import Station
from listings.models import Receipt, Sink
from mailroom.models import Letter

LIVE = 3  # seconds between two looks at a page while something is going on
LIVE_SLOWLY = 15  # while the letter is on its way, or the time of waiting runs


def station(
    label: str, when: datetime | str | None = None, state: str = "later", party: str = ""
) -> Station:
    return Station(label=label, when=when, state=state, party=party)


def looked_up() -> list[Station]:
    """The way as it lies before somebody who has not asked yet."""
    ahead = [_("You ask"), _("Letter read"), _("Checked again"), _("Off the list")]
    return [
        station(_("Looked up"), None, "done"),
        station(ahead[0], None, "now", "sender"),
        *(station(label) for label in ahead[1:]),
    ]


def line(request: DelistRequest) -> list[Station]:
    """The way of a request: what is done, where it stands, what is still to come."""
    row = [station(_("Asked"), request.asked_at, "done")]
    at = request.state_since
    if request.state == State.ASKED:
        arrived = request.letter is not None and request.letter.accepted_at is not None
        label = _("You confirm") if arrived else _("Letter on its way")
        row.append(station(label, at, "now", "sender" if arrived else "desk"))
        return [*row, station(_("Checked again")), station(_("Off the list"))]
    if request.state == State.EXPIRED:
        return [*row, station(_("Not confirmed"), at, "halt")]
    row.append(station(_("You confirmed"), _confirmed_at(request), "done"))
    if request.state == State.CONFIRMED:
        label = _("Checked again") if request.serial is None else _("Servers let go")
        return [*row, station(label, at, "now", "desk"), station(_("Off the list"))]
    if request.state == State.COOLING_DOWN:
        return [*row, station(_("Waiting"), at, "now", "nobody"), station(_("Off the list"))]
    if request.state == State.LIFTED:
        row.append(station(_("Off the list"), at, "done"))
        if request.relisted_at:
            row.append(station(_("Listed again"), request.relisted_at, "halt"))
        return row
    handed = request.state == State.HANDED_OVER
    return [*row, station(_("People decide") if handed else _("Not taken off"), at, "halt")]


def _confirmed_at(request: DelistRequest) -> datetime | None:
    entries = request.entries.filter(event="confirm").values_list("happened_at", flat=True)
    return entries.first()


def turn(request: DelistRequest) -> dict[str, Any]:
    """Whose turn it is, in words."""
    letter, since = request.letter, request.state_since
    arrived = letter is not None and letter.accepted_at is not None
    said: dict[str, tuple[str, str, str]] = {
        State.ASKED: (
            ("sender", _("Your turn: open the link in our letter"), "")
            if arrived
            else (
                "desk",
                _("Our turn: the letter is waiting to be delivered"),
                _letter_words(letter),
            )
        ),
        State.CONFIRMED: (
            ("desk", _("Our turn: we check the listing once more"), "")
            if request.serial is None
            else ("desk", _("Our turn: every one of our servers must prove that it knows"), "")
        ),
        State.COOLING_DOWN: (
            "nobody",
            _("Nobody’s turn: the time of waiting runs"),
            _("You need do nothing. It comes off by itself."),
        ),
        State.LIFTED: (
            "nobody",
            _("Your address is let in"),
            _("We watch it for %d days.") % settings.POSTERN_WATCH_DAYS,
        ),
        State.HANDED_OVER: ("sender", _("Your turn: pass a link on"), ""),
        State.REFUSED: ("sender", _("Your turn: see below what would help"), ""),
        State.EXPIRED: ("sender", _("Nobody confirmed in time"), _("You can ask again.")),
    }
    if request.state == State.LIFTED and request.relisted_at:
        party, text, small = "sender", _("Your address is listed again"), ""
    else:
        party, text, small = said[request.state]
    return {
        "party": party,
        "yours": party == "sender",
        "text": text,
        "since": since,
        "small": small,
    }


def _letter_words(letter: Letter | None) -> str:
    if letter is None or letter.refused_at is None:
        return ""
    return _("Your mail server has refused it: see below for another way.")


def letter_line(request: DelistRequest) -> list[Station]:
    """The way of the confirmation letter, in the words of the server that took it or not."""
    letter = request.letter
    if letter is None:
        return []
    written = _("Written to %s") % request.email if request.email else _("Written")
    rows = [station(written, letter.written_at, "done")]
    words = _said(letter)
    if letter.accepted_at:
        rows.append(station(_("Accepted by the mail server"), words or letter.accepted_at, "done"))
    elif letter.refused_at:
        rows.append(station(_("Refused by the mail server"), words or letter.refused_at, "halt"))
    elif letter.parked_at or letter.cancelled_at:
        rows.append(station(_("Given up"), words, "halt"))
    else:
        put_off = bool(letter.last_error)
        label = _("Put off, we try again") if put_off else _("Waiting to be sent")
        when = words if put_off else letter.written_at
        rows.append(station(label, when, "now", "desk"))
        rows.append(station(_("Accepted by the mail server")))
    return [*rows, station(_("Confirmed by you"))]


def without_links(reply: str) -> str:
    """A server's words without the link of our letter, should it quote it."""
    return re.sub(r"/delist/\S*", "/delist/…", reply)


def without_mailboxes(reply: str) -> str:
    return re.sub(r"\S+@\S+", "…", without_links(reply))


def _said(letter: Letter) -> str:
    """When, and in which words, the server spoke last."""
    when = letter.accepted_at or letter.refused_at or letter.tried_at
    moment = f"{timezone.localtime(when):%H:%M:%S}" if when else ""
    reply = " ".join(f"{letter.smtp_code or ''} {without_links(letter.smtp_reply)}".split())[:300]
    return f"{moment}, “{reply}”" if reply else moment


class SinkRow(TypedDict):
    """One server: when it has proved to let the address in, None while it has not."""

    name: str
    proved_at: datetime | None


def sinks(request: DelistRequest) -> list[SinkRow]:
    """Each enforcing server with the moment of its first proof."""
    if request.serial is None:
        return []
    proofs = Receipt.objects.filter(sink=OuterRef("pk"), publication__gte=request.serial)
    first = Subquery(proofs.order_by("publication_id").values("read_at")[:1])
    rows = Sink.objects.filter(enabled=True).order_by("name").annotate(first=first)
    return [SinkRow(name=row.name, proved_at=row.first) for row in rows]


def advice(outcome: str) -> str:
    """What would help after this outcome."""
    said = {
        Outcome.STILL_SENDING: _(
            "Stop what sends, look at your outgoing queue and log, and ask again when an hour has "
            "passed without a refusal."
        ),
        Outcome.LISTED_AGAIN: _("Look it up again: it says what was seen since."),
        Outcome.NAMES: _(
            "Give the address a reverse name (PTR), and let that name point back to the address "
            "(A or AAAA). Then ask again; DNS can take an hour to show it everywhere."
        ),
        Outcome.NO_LOOKUP: _("Your DNS servers gave no answer. Ask again in some minutes."),
        Outcome.REPEATED: _(
            "The person you wrote to can open a ticket for you: pass the link below on to them."
        ),
        Outcome.NOT_BY_SENDER: _(
            "The person you wrote to can open a ticket for you: pass the link below on to them."
        ),
    }
    return said.get(Outcome(outcome), "") if outcome else ""


def live(request: DelistRequest) -> int:
    """After how many seconds a page looks again, 0 for never."""
    if request.state not in OPEN:
        lately = timezone.now() - request.state_since < timedelta(minutes=1)
        return (
            LIVE if request.state == State.LIFTED and lately and request.relisted_at is None else 0
        )
    return LIVE if request.state == State.CONFIRMED else LIVE_SLOWLY


def as_json(request: DelistRequest) -> dict[str, Any]:
    """The public status: no mailbox, no secret."""
    letter = request.letter
    return {
        "address": prefixes.shown(request.network),
        "state": request.state,
        "since": request.state_since,
        "asked_at": request.asked_at,
        "link_works_until": request.expires_at,
        "letter": letter and {
            "state": letter.status, "smtp_code": letter.smtp_code,
            "reply": without_mailboxes(letter.smtp_reply),
        },
        "waits_until": request.cool_until,
        "outcome": request.outcome or None,
        "outcome_text": str(Outcome(request.outcome).label) if request.outcome else None,
        "servers": sinks(request),
        "listed_again_at": request.relisted_at,
    }  # fmt: skip


def may_write_again(request: DelistRequest) -> bool:
    return request.state == State.ASKED and not guards.may_write_again(request, SENDER)

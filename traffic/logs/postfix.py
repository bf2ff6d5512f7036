"""Lines of Postfix: refusals in our words, and mail that was let in.

A refusal is one line.  An accepted mail is two: ``smtpd`` names the client of
a queue id, and delivery names the recipient; so the clients of the latest
queue ids are kept in mind.
"""

import re
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from traffic.events import MAX_LINE, Event, made
from traffic.marks import marks

MOST_QUEUED = 50_000  # queue ids whose client is kept in mind
MONTHS = {name: n for n, name in enumerate(
    b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1
)}  # fmt: skip

_REFUSED = re.compile(
    r"reject: [A-Z-]+(?: command)? from [^\s\[]{0,255}\[(?P<client>[^\]\s]{2,45})\](?::\d+)?: "
    r"(?P<text>[45](?:\d\d[ -]|\.\d).*)"  # a milter's reply at the end of a message has no code
)
_CHOSEN = "; from=<"  # from here on a refusal holds what the client has said, not we
_LISTING = re.compile(r"\(L(\d{1,18})\)")
_CLIENT = re.compile(
    rb"smtpd\[\d+\]: (?P<queue>[0-9A-Za-z]{6,20}): "
    rb"client=[^\s\[]{0,255}\[(?P<client>[^\]\s]{2,45})\]"
)
_SENT = re.compile(
    rb": (?P<queue>[0-9A-Za-z]{6,20}): to=<(?P<to>[^>]{1,320})>"
    rb"(?:, orig_to=<(?P<asked>[^>]{1,320})>)?.{0,1000}? status=sent"
)


class Log:
    """A log that is read line by line; call it with each."""

    def __init__(self) -> None:
        self._ours = tuple(mark.lower() for mark in marks())
        self._clients: OrderedDict[bytes, str] = OrderedDict()

    def __call__(self, line: bytes) -> Event | None:
        if len(line) > MAX_LINE:
            return None
        if b": reject: " in line or b": milter-reject: " in line:
            return self._refusal(line)
        if b" client=" in line:
            self._remember(line)
        elif b" status=sent" in line:
            return self._delivery(line)
        return None

    def _refusal(self, line: bytes) -> Event | None:
        text = line.decode("utf-8", "replace")
        reply = text.partition(_CHOSEN)[0].lower()
        if not any(mark in reply for mark in self._ours):
            return None
        found = _REFUSED.search(text)
        at = _moment(line)
        if found is None or at is None:
            return None
        sender, recipient = _envelope(found["text"])
        listing = _LISTING.search(found["text"].partition(_CHOSEN)[0])
        return made(
            at,
            found["client"],
            is_refused=True,
            sender=sender,
            recipient=recipient,
            listing=int(listing[1]) if listing else 0,
        )

    def _remember(self, line: bytes) -> None:
        found = _CLIENT.search(line)
        if found is None:
            return
        if b"sasl_username=" in line:  # our own people's mail, which no listing would refuse
            self._clients.pop(found["queue"], None)
            return
        self._clients[found["queue"]] = found["client"].decode("ascii", "replace")
        if len(self._clients) > MOST_QUEUED:
            self._clients.popitem(last=False)

    def _delivery(self, line: bytes) -> Event | None:
        found = _SENT.search(line)
        client = self._clients.get(found["queue"]) if found else None
        if found is None or client is None or (at := _moment(line)) is None:
            return None
        asked = found["asked"] or b""  # the recipient before an alias of ours made it another
        recipient = (asked if b"@" in asked else found["to"]).decode("utf-8", "replace")
        return made(at, client, is_refused=False, sender="", recipient=recipient)


def _envelope(text: str) -> tuple[str, str]:
    """Sender and recipient out of ``…; from=<…> to=<…> proto=…``, "" where they are not named.

    Clients choose both, quotes and all, so it is read from its end: the domain of the last
    recipient is the one that was asked for.  No pattern, whose time they would choose as well.
    """
    head = text[: max(text.rfind(" proto="), 0)].rstrip(",")
    begin = head.rfind(" to=<")
    before = head[: max(begin, 0)].rstrip(",")
    first = before.find(_CHOSEN)
    if not (head.endswith(">") and before.endswith(">") and first >= 0):
        return "", ""
    return before[first + len(_CHOSEN) : -1], head[begin + len(" to=<") : -1]


def reader() -> Log:
    return Log()


def _moment(line: bytes) -> datetime | None:
    """When a line was logged: RFC 3339, or RFC 3164 without a year and zone; None if neither."""
    if line[:4].isdigit():
        return _rfc3339(line.partition(b" ")[0])
    return _rfc3164(line[:15], timezone.now().year)


@lru_cache(maxsize=1000)
def _rfc3339(text: bytes) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.decode("ascii"))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1000)
def _rfc3164(text: bytes, year: int) -> datetime | None:
    """The latest moment of that date that is not in the future, in the zone of the service."""
    try:
        month, day = MONTHS[text[:3]], int(text[4:6])
        clock = [int(part) for part in text[7:15].split(b":")]
        zone = ZoneInfo(settings.TIME_ZONE)
        moment = datetime(year, month, day, *clock, tzinfo=zone)  # type: ignore[arg-type,misc]
        if moment > timezone.now() + timedelta(days=1):
            moment = moment.replace(year=year - 1)
    except (KeyError, ValueError, TypeError):
        return None
    return moment.astimezone(UTC)

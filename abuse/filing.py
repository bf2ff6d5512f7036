"""What was read becomes rows: filed, counted at most once, all in one transaction.

Who counts is a *voice*: one reporter, one tenant, one day.  A *fingerprint* is claimed for each
way in which two reports can be the same; whoever comes second is a duplicate.  Tenants are locked
first and in order, so that of two processes one waits for the other.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from abuse.arf import MOST_HIDDEN
from abuse.attribution import above
from abuse.fields import feedback_class
from abuse.kinds import ANSWERED, MAKES_INCIDENT, PROVED, FeedbackClass, Filed, Strength
from abuse.models import Fingerprint, Incident, Loop, Report, Voice
from abuse.readings import NotRead, Read, is_uploaded
from customers.models import Tenant
from escalation import owed, queue
from mailroom.models import Channel, Purpose, Received
from mailroom.recipients import domain_name

MOST_EVIDENCE: Final = 16 * 1024  # characters of the reported message that are kept with it,
# or of the words of a mail for an agent
MOST_RECIPIENTS: Final = MOST_HIDDEN + 1  # so that it is seen when there are too many
MOST_INCIDENTS: Final = 1000  # that one report of an enrolled reporter may stand for


@dataclass
class Item:
    """A report on its way into the tables."""

    read: Read
    row: Report
    keys: list[str] = field(default_factory=list)

    @property
    def tenant_id(self) -> int:
        """The tenant that it counts for; only what has one is counted."""
        if self.row.tenant_id is None:
            raise ValueError("a report without a tenant counts for nobody")
        return self.row.tenant_id

    @property
    def is_proved(self) -> bool:
        return self.row.strength in PROVED


def file(results: Sequence[Read | NotRead]) -> list[Report]:
    """Write what was read of rows that are still ours; what could not be read stays, with why.

    One transaction; returns the reports made.
    """
    with transaction.atomic():
        held = {row.pk for row in owed.finish_all([one.received for one in results])}
        mine = [one for one in results if one.received.pk in held]
        _keep_unread([one for one in mine if isinstance(one, NotRead)])
        reads = [one for one in mine if isinstance(one, Read)]
        tenants = _locked({one.attribution.tenant_id for one in reads})
        items = [_item(one, tenants) for one in reads]
        _note_what_is_owed(items)
        settle([item for item in items if item.row.filed == Filed.COUNTED])
        made = Report.objects.bulk_create([item.row for item in items])
        if any(row.due_at for row in made):
            queue.nudge("answers")
    return made


def _locked(tenants: set[int | None]) -> set[int]:
    """Those of ``tenants`` that there are, locked in order: a mark may name one that never was."""
    rows = Tenant.objects.filter(pk__in=sorted(pk for pk in tenants if pk)).order_by("pk")
    return set(rows.select_for_update(no_key=True).values_list("pk", flat=True))


def _keep_unread(results: Iterable[NotRead]) -> None:
    for one in results:
        Received.objects.filter(pk=one.received.pk).update(unread=one.reason[:40])


def _note_what_is_owed(items: Sequence[Item]) -> None:
    """A report is due where there may be somebody to answer, or to pass it on to."""
    signers = {name for item in items for name in _signers(item)}
    looped = set(Loop.objects.live().filter(domain__in=signers).values_list("domain", flat=True))
    now = timezone.now()
    for item in items:
        row = item.row
        answerable = row.filed in ANSWERED and _may_be_answered(item.read)
        unknown_holder = row.filed == Filed.NOT_OURS and row.source_address is not None
        if answerable or unknown_holder or looped.intersection(_signers(item)):
            row.due_at = now


def _signers(item: Item) -> set[str]:
    """The domains that have signed the reported message, and those above them."""
    verified = item.read.evidence.verified
    return {name for domain, _selector, _level in verified for name in above(domain)}


def _may_be_answered(read: Read) -> bool:
    """Whether a person may have sent it whose domain has signed it; the sweep looks closer."""
    outer, mail = read.answer["outer"], read.received
    if is_uploaded(mail) or outer["auto"] or not mail.mail_from.strip("<> ") or not outer["from"]:
        return False
    domains = above(outer["from"].rpartition("@")[2])
    return any(domain in domains for domain, _selector in outer["signatures"])


# -- What one report is -------------------------------------------------------------


def _item(read: Read, tenants: Collection[int]) -> Item:
    reading, outer, enclosed = (read.answer[name] for name in ("reading", "outer", "enclosed"))
    told, found = reading["feedback"], read.attribution
    kind = feedback_class(told["feedback_type"] or "abuse")
    row = Report(
        received=read.received,
        format=reading["format"],
        feedback_class=FeedbackClass(kind),
        strength=found.strength,
        why=list(found.why),
        tenant_id=found.tenant_id if found.tenant_id in tenants else None,
        enrolled=found.enrolled,
        reporter=reporter_key(read),
        reporter_email=outer["from"][:320],
        source_address=told["source_address"] or None,
        from_domain=enclosed["from_domain"][:253],
        subject=enclosed["subject"][:200],
        message_id=(enclosed["message_id"] or reading["message_id"])[:250],
        message_key=message_key(read),
        arrived_at=read.evidence.at,
        incidents=_incidents(told, found.enrolled is not None),
        evidence=enclosed["text"][:MOST_EVIDENCE],
        facts=_facts(read),
    )
    row.filed = _filed(read, row)
    item = Item(read, row)
    if row.filed == Filed.PLAIN and not enclosed["bytes"]:
        row.feedback_class = ""
        row.subject = outer["subject"][:200]
        row.evidence = read.answer["words"][:MOST_EVIDENCE]
    if row.filed == Filed.COUNTED:
        item.keys = fingerprints(item)
    elif row.filed not in {Filed.NOT_OURS, Filed.NO_TENANT}:
        row.strength = row.strength if row.filed in {Filed.UNSUBSCRIBE, Filed.NOT_JUNK} else ""
    return item


def _filed(read: Read, row: Report) -> Filed:
    reading = read.answer["reading"]
    if reading["filed"]:
        return Filed(reading["filed"])
    if reading["kind"] == "notice":
        return Filed.NOTICE
    if reading["kind"] == "plain" and (not reading["inline"] or _came_back(read.received)):
        return Filed.PLAIN
    if read.received.purpose == Purpose.NOT_JUNK or row.feedback_class == FeedbackClass.NOT_SPAM:
        row.feedback_class = FeedbackClass.NOT_SPAM
        return Filed.NOT_JUNK
    if row.feedback_class == FeedbackClass.OPT_OUT:
        return Filed.UNSUBSCRIBE
    if row.strength == Strength.N:
        return Filed.NOT_OURS
    if row.tenant_id is None or row.feedback_class not in MAKES_INCIDENT:
        return Filed.NO_TENANT
    return Filed.COUNTED


def _came_back(mail: Received) -> bool:
    """Whether a mail server wrote it: a bounce quotes a mail too, and complains of nothing."""
    return not is_uploaded(mail) and not mail.mail_from.strip("<> ")


def _incidents(told: dict[str, Any], is_enrolled: bool) -> int:
    """How many complaints a report stands for: a number that only the enrolled may give."""
    return max(1, min(int(told["incidents"]), MOST_INCIDENTS)) if is_enrolled else 1


def _facts(read: Read) -> dict[str, Any]:
    reading, enclosed = read.answer["reading"], read.answer["enclosed"]
    envelope = read.received.mail_from.strip("<> ").lower()
    named = [*read.answer["outer"]["writers"], *reading["feedback"]["original_rcpt_to"]]
    return {
        "inline": reading["inline"],
        # To be hidden: whoever may have reported it, though nobody knows which of them did.
        "recipients": list(dict.fromkeys([envelope, *named]))[:MOST_RECIPIENTS],
        "signatures": enclosed["signatures"],
        "verified": [list(one) for one in read.evidence.verified],
        "hops": enclosed["hops"][:10],
        "user_agent": reading["feedback"]["user_agent"][:200],
        "reported_domain": reading["feedback"]["reported_domain"][:10],
        "auth_failure": reading["feedback"]["auth_failure"],
    }


def reporter_key(read: Read) -> str:
    """Who is counted: the enrolled network, the network of an upload, the mailbox of a mail."""
    if read.attribution.enrolled is not None:
        return _digest("enrolled", read.attribution.enrolled.domain)
    if read.received.channel in {Channel.WEB, Channel.API}:
        return _digest("upload", read.received.who)
    local, _at, domain = read.answer["outer"]["from"].lower().rpartition("@")
    return _digest("mail", f"{local.partition('+')[0]}@{domain_name(domain) or domain}")


def message_key(read: Read) -> str:
    """One for all reports of a message: what proves it, else its first signature or its names.

    A made-up signature on top of a true one must not make another message of it.
    """
    enclosed, proofs = read.answer["enclosed"], read.evidence.proofs
    if proofs or (enclosed["b"] and read.attribution.strength != Strength.B):
        return _digest("b", proofs[0] if proofs else enclosed["b"])
    if read.attribution.strength == Strength.B:
        return _by_name(read)
    if enclosed["message_id"]:
        names = (enclosed["message_id"], enclosed["date"], enclosed["from_domain"])
        return _digest("id", "\n".join(names))
    return ""


def _by_name(read: Read) -> str:
    """The message by its Message-ID, where that is proved: by a signature, or by our mark."""
    return _digest("b", f"id:{read.answer['enclosed']['message_id']}")


def _digest(kind: str, text: str) -> str:
    return salted_hmac(f"abuse.{kind}", text, algorithm="sha256").hexdigest()


def fingerprints(item: Item) -> list[str]:
    """In which ways another report would be the same as this one.

    What is proved is never the same as what is only said: else a made-up report that comes first
    would keep the true one from being counted.
    """
    row, answer = item.row, item.read.answer
    who = f"{row.tenant_id}\n{item.is_proved}\n{row.reporter}"
    keys = []
    if own_id := answer["outer"]["message_id"]:
        keys.append(_digest("report", f"{who}\n{own_id}"))
    if report_id := answer["reading"]["report_id"]:
        keys.append(_digest("xarf", f"{who}\n{report_id}"))
    names = [_digest("b", b) for b in item.read.evidence.proofs] or [row.message_key]
    return keys + [_of_message(item, name) for name in names if name]


def also_claimed(item: Item) -> list[str]:
    """What is claimed with the fingerprints, and is in the way of nothing that is signed.

    Whoever reports the message by our mark alone comes second.  The other way round, one
    Message-ID on all of a tenant's mail would make one message of it.
    """
    return [_of_message(item, _by_name(item.read))] if item.read.evidence.names_message else []


def _of_message(item: Item, name: str) -> str:
    """Reporters whom nobody knows cannot report one message many times by many names; of another
    class it is another complaint."""
    row = item.row
    if row.enrolled is not None:
        to = "\n".join(item.read.answer["reading"]["feedback"]["original_rcpt_to"])
        who = f"{row.reporter}\n{to}"
    else:
        who = row.feedback_class
    return _digest("message", f"{row.tenant_id}\n{item.is_proved}\n{who}\n{name}")


# -- Counting -------------------------------------------------------------------------


def settle(items: Sequence[Item]) -> None:
    """Count each, or say why not: reported before, or its reporter is heard already today.

    One after the other, and their tenants locked: what is not counted claims no message, so that
    nobody takes a message away from those who report it after him.
    """
    if not items:
        return
    now = timezone.now()
    tally = Tally(_incidents_of(items), _heard_today(items, now.date()), now.date())
    keys = {key for item in items for key in [*item.keys, *also_claimed(item)]}
    taken = set(Fingerprint.objects.filter(key__in=keys).values_list("key", flat=True))
    claimed: dict[str, int] = {}
    for item in items:
        if taken.intersection(item.keys):
            item.row.filed = Filed.DUPLICATE
        elif tally.hear(item):
            mine = {*item.keys, *also_claimed(item)} - taken
            taken |= mine
            claimed |= dict.fromkeys(mine, item.read.received.pk)
    Fingerprint.objects.bulk_create(
        [Fingerprint(key=key, received_id=claimed[key]) for key in sorted(claimed)],
        batch_size=200,
    )
    tally.write(now)
    queue.nudge("incidents")


@dataclass
class Tally:
    """Who is heard, and what that adds to the incidents."""

    incidents: dict[tuple[int, str], Incident]
    heard: dict[tuple[int, str], Voice]
    day: date
    new: list[Voice] = field(default_factory=list)
    sums: dict[int, list[int]] = field(default_factory=dict)  # enrolled, anonymous, claims
    proved: set[int] = field(default_factory=set)

    def hear(self, item: Item) -> bool:
        """Count the item, or note that its reporter is heard already; True if a count changed."""
        row = item.row
        row.incident = self.incidents[item.tenant_id, row.feedback_class]
        if item.is_proved:
            self.proved.add(row.incident.pk)
        voice = self.heard.get((item.tenant_id, row.reporter))
        if voice is None:
            voice = Voice(
                tenant_id=item.tenant_id, incident=row.incident, day=self.day,
                reporter=row.reporter, is_enrolled=row.enrolled is not None,
                is_proved=item.is_proved,
            )  # fmt: skip
            self.heard[item.tenant_id, row.reporter] = voice
            self.new.append(voice)
            self._add(row.incident.pk, _column(voice), 1)
            return True
        row.filed = Filed.SAME_REPORTER
        if voice.is_proved or not item.is_proved:
            self._add(row.incident.pk, 0, 0)
            return False
        self._prove(voice, row.incident)
        return True

    def _prove(self, voice: Voice, incident: Incident) -> None:
        """A later report of the same reporter proves what the first one only said: they are heard
        in the incident of the one that is proved."""
        self._add(voice.incident_id, 2, -1)
        voice.is_proved, voice.incident = True, incident
        self._add(incident.pk, _column(voice), 1)
        if voice.pk:
            Voice.objects.filter(pk=voice.pk).update(is_proved=True, incident=incident)

    def _add(self, incident: int, column: int, n: int) -> None:
        self.sums.setdefault(incident, [0, 0, 0])[column] += n

    def write(self, now: datetime) -> None:
        Voice.objects.bulk_create(self.new)
        by_sums: dict[tuple[int, ...], list[int]] = {}
        for pk, sums in self.sums.items():
            by_sums.setdefault(tuple(sums), []).append(pk)
        for (enrolled, anonymous, claims), keys in by_sums.items():
            Incident.objects.filter(pk__in=keys).update(
                enrolled=F("enrolled") + enrolled, anonymous=F("anonymous") + anonymous,
                claims=F("claims") + claims, due_at=now, parked_at=None, attempts=0,
            )  # fmt: skip
        # A claim does not count as a report that keeps an incident from ending.
        Incident.objects.filter(pk__in=self.proved).update(last_report_at=now)


def _column(voice: Voice) -> int:
    """Where a voice is counted: enrolled, anonymous, or nothing but a claim."""
    return (0 if voice.is_enrolled else 1) if voice.is_proved else 2


def _incidents_of(items: Sequence[Item]) -> dict[tuple[int, str], Incident]:
    """The open incident of each tenant and class, made where there is none.  (Their tenants are
    locked: nobody else makes one at the same time.)"""
    places = {(item.tenant_id, item.row.feedback_class) for item in items}
    tenants = {tenant_id for tenant_id, _kind in places}
    rows = Incident.objects.open().filter(tenant_id__in=tenants)
    found = {(row.tenant_id, row.feedback_class): row for row in rows.order_by("pk")}
    missing = sorted(place for place in places if place not in found)
    Incident.objects.bulk_create(
        [Incident(tenant_id=tenant, feedback_class=kind) for tenant, kind in missing]
    )
    if missing:
        found = {(row.tenant_id, row.feedback_class): row for row in rows.order_by("pk")}
    return {place: found[place] for place in places}


def _heard_today(items: Sequence[Item], day: date) -> dict[tuple[int, str], Voice]:
    who = Q(
        tenant_id__in={item.tenant_id for item in items},
        reporter__in={item.row.reporter for item in items},
    )
    voices = Voice.objects.filter(who, day=day).select_related("incident")
    return {(voice.tenant_id, voice.reporter): voice for voice in voices}

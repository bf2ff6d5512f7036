"""What a reporter hears by mail: one answer a day, and only who can have sent the report.

Never to robots, never to the null path, never to a mailbox that an answer has come back from.
A From line proves nothing: who cannot show by DKIM that it is theirs is not written to, or we
would send our letters to whomever somebody names (backscatter).
"""

from datetime import timedelta
from ipaddress import ip_network
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from abuse import emails, loops
from abuse.attribution import above
from abuse.kinds import ANSWERED, Filed
from abuse.models import Report
from abuse.readings import ASKED, is_uploaded, outer_of, signed_by
from escalation import owed, prefixes
from escalation.errors import TryAgainLater
from mailroom.confined import Child, Unreadable
from mailroom.models import Letter
from mailroom.recipients import NotAnAddress
from ownership import lookups

WORST: Final = 34.0  # seconds: a registry that is slow, the child twice, the DNS
FRESH: Final = timedelta(days=7)  # that an answer of the registry on file may be old
REGISTRY_HAS: Final = timedelta(hours=6)  # then we answer without it


def answer(child: Child, report: Report) -> None:
    """Write to the reporter where that is right, and pass the report on to feedback loops."""
    holder = _holder(report) if report.filed == Filed.NOT_OURS else ""
    may_write = not is_uploaded(report.received) and _may_be_written_to(child, report)
    with transaction.atomic():
        owed.finish(report)
        loops.pass_on(report)
        if may_write:
            report.letter = _write(report, holder)
        Report.objects.filter(pk=report.pk).update(holder=holder, letter=report.letter)


def _write(report: Report, holder: str) -> Letter | None:
    template = "not_ours" if report.filed == Filed.NOT_OURS else "thanks"
    language = report.received.language
    context = {"holder": holder, "address": report.source_address}
    try:
        return emails.answer(report, template, language, context)
    except NotAnAddress:
        return None


def _holder(report: Report) -> str:
    """Whose space the message came from, by the registry; "" if nobody can say.

    Raises ``TryAgainLater`` while a registry may still answer.
    """
    if not report.source_address:
        return ""
    prefix = ip_network(report.source_address)
    if not prefixes.is_public(prefix, documentation_too=settings.POSTERN_DEMO):
        return ""
    now = timezone.now()
    try:
        network = lookups.lookup(prefix, now - FRESH)
    except TryAgainLater:
        if now - report.read_at < REGISTRY_HAS:
            raise
        return ""
    return (network.organisation or network.name)[:200] if network else ""


def _may_be_written_to(child: Child, report: Report) -> bool:
    """Whether a person can have sent it, from the mailbox that it names."""
    mail = report.received
    if report.filed not in ANSWERED:
        return False
    sender = mail.mail_from.strip("<> ").lower().rpartition("@")[2]
    if not sender or sender not in above(report.reporter_email.rpartition("@")[2]):
        return False
    came_back = Letter.objects.filter(
        key__startswith=f"ack:{report.reporter}:", kind=emails.ACKNOWLEDGEMENT
    ).exclude(bounced_at=None, refused_at=None)
    if came_back.exists() or _was_written_to(report):
        return False
    try:
        outer = outer_of(child, mail)
        if outer["auto"]:
            return False
        return signed_by(child, mail, outer, above(report.reporter_email.rpartition("@")[2]))
    except Unreadable:
        return False
    except TryAgainLater:  # a name server that never answers keeps nobody from their copies
        if report.attempts < ASKED:
            raise
        return False


def _was_written_to(report: Report) -> bool:
    day = timezone.now().date()
    return Letter.objects.filter(key=f"ack:{report.reporter}:{day}").exists()

"""The letters of the abuse desk: to a tenant's admins about an incident, and to reporters."""

from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from abuse import arf
from abuse.kinds import Filed
from abuse.lifecycle import TELLS_TENANT, Event
from abuse.models import Incident, IncidentEntry, Loop, Report
from customers.models import Membership
from mailroom.actions import write
from mailroom.models import Letter

# The steps that a tenant's admins are written to about.
TOLD: Final = frozenset(
    {
        Event.WARN, Event.ASK, Event.RESTRICT, Event.UPHOLD, Event.RELEASE, Event.RESOLVE,
        Event.DISMISS,
    }
)  # fmt: skip
QUIETLY: Final = frozenset({Event.RESOLVE, Event.DISMISS})  # only to those who heard of it before
ACKNOWLEDGEMENT: Final = "report-ack"  # the kind of our answers to reporters


def of_step(incident: Incident, entry: IncidentEntry, sample: Report | None) -> None:
    """Tell each admin of the tenant, with a sample of what was reported where there is one."""
    if entry.event not in TOLD or (entry.event in QUIETLY and not _knows(incident, entry)):
        return
    admins = Membership.objects.filter(
        tenant=incident.tenant_id, kind=Membership.Kind.ADMIN, user__is_active=True
    ).select_related("user")
    for place in admins.order_by("pk"):
        write(
            key=f"incident:{entry.pk}:{place.user_id}",
            kind=f"incident-{entry.event}",
            recipient=place.user.email,
            language=place.user.language,
            template="abuse/email/incident",
            context={
                "incident": incident,
                "entry": entry,
                "has_sample": sample is not None,
                "tells_note": entry.event in TELLS_TENANT,
            },
            link_path=f"/junk/{incident.pk}/",
            copy=arf.copy(sample) if sample else None,
        )


def _knows(incident: Incident, entry: IncidentEntry) -> bool:
    told = [event.value for event in TOLD - QUIETLY]
    return incident.entries.filter(event__in=told, pk__lt=entry.pk).exists()


def link_key(report: Report) -> str:
    """What the token in a reporter's link is derived from."""
    return f"report:{report.received.seed}"


def answer(report: Report, template: str, language: str, context: dict[str, Any]) -> Letter:
    """Our one answer of the day to a reporter, with the link that shows what becomes of it."""
    return write(
        key=f"ack:{report.reporter}:{timezone.now().date()}",
        kind=ACKNOWLEDGEMENT,
        recipient=report.reporter_email,
        language=language,
        template=f"abuse/email/{template}",
        context={"report": report, **context},
        link_path="/report/{token}/",
        link_key=link_key(report),
    )


def loop_key(loop: Loop, report: Report) -> str:
    """What a copy is known by.  Reports that are not counted are not told from duplicates: of
    these there is one copy of a message."""
    is_counted = report.filed in {Filed.COUNTED, Filed.SAME_REPORTER} or not report.message_key
    return f"loop:{loop.pk}:{report.pk if is_counted else report.message_key}"


def loop_copy(loop: Loop, report: Report) -> Letter:
    """The copy of a report for whoever signed the reported message (RFC 5965)."""
    return write(
        key=loop_key(loop, report),
        kind="loop",
        recipient=loop.email,
        language=loop.language,
        template="abuse/email/loop",
        context={"loop": loop, "report": report, "desk": settings.POSTERN_URL},
        copy=arf.copy(report),
    )


def loop_asked(loop: Loop) -> Letter:
    """To the mailbox that is to get the copies: how to show that the domain is theirs."""
    return write(
        key=f"loop-asked:{loop.pk}",
        kind="loop-asked",
        recipient=loop.email,
        language=loop.language,
        template="abuse/email/loop_asked",
        context={"loop": loop, "mailbox": f"fbl+{loop.challenge}@{settings.POSTERN_LETTER_DOMAIN}"},
        link_path="/report/loop/{token}/",
        link_key=f"loop:{loop.challenge}",
    )


def loop_proved(loop: Loop) -> Letter:
    """The copies begin; the link ends them again."""
    return write(
        key=f"loop-proved:{loop.pk}",
        kind="loop-proved",
        recipient=loop.email,
        language=loop.language,
        template="abuse/email/loop_proved",
        context={"loop": loop},
        link_path="/report/loop/{token}/",
        link_key=f"loop:{loop.challenge}",
    )

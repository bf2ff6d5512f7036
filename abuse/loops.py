"""Feedback loops out (RFC 6449): who gets copies of the reports about mail that a domain signed."""

import secrets
from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from abuse import emails
from abuse.attribution import above
from abuse.kinds import PROVED, Filed
from abuse.models import Loop, Report
from abuse.readings import signed_by
from customers.models import Tenant
from escalation import owed
from escalation.errors import Refused
from escalation.limits import Limit
from mailroom import tokens
from mailroom.confined import Child, Unreadable
from mailroom.models import Received
from mailroom.recipients import domain_name, recipient

MOST_COPIES: Final = 5  # loops that one report is copied to
FOR_DOMAIN: Final = Limit("abuse-loop-domain", most=5, seconds=24 * 3600)
FOR_MAILBOX: Final = Limit("abuse-loop-mailbox", most=3, seconds=24 * 3600)
COPIES: Final = (Filed.COUNTED, Filed.SAME_REPORTER, Filed.UNSUBSCRIBE, Filed.NOT_OURS)


class NotADomain(Refused):
    """What was typed is no domain name."""

    code = "not-a-domain"
    status = 422
    title = gettext_lazy("This is no domain name")


class LoopExists(Refused):
    """The mailbox gets the copies already."""

    code = "loop-exists"
    title = gettext_lazy("This feedback loop exists")


def subscribe(tenant: Tenant, domain: str, email: str) -> Loop:
    """Copies for a tenant about a domain of its own: at once, since its admin asks.

    Raises ``Refused`` for a domain that is not the tenant's, and ``NotAnAddress``.
    """
    name = _domain(domain)
    if not tenant.domains.filter(name__in=above(name)).exists():
        raise NotADomain(_("This domain is not noted for you: ask the desk to add it."))
    loop = _new(name, email, tenant)
    loop.proved_at = timezone.now()
    with transaction.atomic():
        _check_free(loop)
        loop.save()
        emails.loop_proved(loop)
    return loop


def ask(domain: str, email: str) -> tuple[Loop, str]:
    """Somebody outside wants copies: they are told by mail how to show that the domain is theirs.

    Returns the row and the token of its page.  Raises ``Refused``.
    """
    loop = _new(_domain(domain), email, None)
    FOR_DOMAIN.take(loop.domain)
    FOR_MAILBOX.take(loop.email.lower())
    with transaction.atomic():
        _check_free(loop)
        loop.save()
        emails.loop_asked(loop)
    return loop, token(loop)


def token(loop: Loop) -> str:
    """The secret of the page of a loop."""
    return tokens.token(f"loop:{loop.challenge}")


def _domain(text: str) -> str:
    if name := domain_name(text.strip().rstrip(".")):
        return name
    raise NotADomain(_("This is no domain name: write it as clinic.example."))


def _new(domain: str, email: str, tenant: Tenant | None) -> Loop:
    challenge = secrets.token_hex(16)
    return Loop(
        tenant=tenant,
        domain=domain,
        email=recipient(email),
        language=(get_language() or "en")[:2],
        challenge=challenge,
        status_digest=tokens.digest(tokens.token(f"loop:{challenge}")),
    )


def _check_free(loop: Loop) -> None:
    if Loop.objects.live().filter(domain=loop.domain, email=loop.email).exists():
        raise LoopExists(_("This mailbox gets the copies about this domain already."))


def end(loop: Loop) -> None:
    """No more copies."""
    Loop.objects.filter(pk=loop.pk, ended_at=None).update(ended_at=timezone.now())


def prove(child: Child, mail: Received) -> None:
    """A mail to ``fbl+CHALLENGE@``: a signature of the domain over it shows that it is theirs."""
    _local, _plus, rest = mail.recipient.partition("+")
    challenge = rest.partition("@")[0].lower()
    loop = Loop.objects.filter(challenge=challenge, proved_at=None, ended_at=None).first()
    unread, proved = "", False
    try:
        proved = loop is not None and signed_by(child, mail, [loop.domain])
    except Unreadable as problem:
        unread = problem.reason
    with transaction.atomic():
        owed.finish(mail)
        Received.objects.filter(pk=mail.pk).update(unread=unread[:40])
        if loop is None or not proved:
            return
        loop = Loop.objects.select_for_update().get(pk=loop.pk)
        if loop.proved_at is None and not _is_taken(loop):
            loop.proved_at = timezone.now()
            loop.save(update_fields=["proved_at"])
            emails.loop_proved(loop)


def _is_taken(loop: Loop) -> bool:
    return Loop.objects.live().filter(domain=loop.domain, email=loop.email).exists()


def pass_on(report: Report) -> None:
    """Write the copies of a report; in the transaction that settles it.

    Only about mail that a domain has proved to be its own: a claim is nobody's to read.
    """
    if report.filed not in COPIES:
        return
    for loop in _loops_of(report)[:MOST_COPIES]:
        emails.loop_copy(loop, report)


def _loops_of(report: Report) -> list[Loop]:
    names = {name for domain in _signers(report) for name in above(domain)}
    if not names:
        return []
    rows = Loop.objects.live().filter(domain__in=names).order_by("pk")
    ours = report.tenant_id if report.strength in PROVED else None
    return [loop for loop in rows if loop.tenant_id is None or loop.tenant_id == ours]


def _signers(report: Report) -> Iterable[str]:
    """The domains whose signature over the reported message has been verified."""
    return (str(domain) for domain, _selector, _level in report.facts.get("verified", ()))

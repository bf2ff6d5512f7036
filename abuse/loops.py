"""Feedback loops out (RFC 6449): who gets copies of the reports about mail that a domain signed."""

import secrets
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from abuse import emails
from abuse.attribution import above
from abuse.kinds import PROVED, Filed
from abuse.models import Loop, Report
from abuse.readings import outer_of, signed_by
from customers.models import Domain, Tenant
from escalation import owed
from escalation.errors import Refused
from escalation.limits import Limit, TooOften
from mailroom import tokens
from mailroom.confined import Child, Unreadable
from mailroom.models import Letter, Received
from mailroom.recipients import domain_name, recipient

WORST: Final = 26.0  # seconds for one proof: the child twice, and the DNS
MOST_COPIES: Final = 5  # loops that one report is copied to
ROLES: Final = frozenset({"postmaster", "abuse"})
COPIES_A_DAY: Final = Limit("abuse-loop-copies", most=1000, seconds=24 * 3600)
FOR_DOMAIN: Final = Limit("abuse-loop-domain", most=5, seconds=24 * 3600)
FOR_MAILBOX: Final = Limit("abuse-loop-mailbox", most=3, seconds=24 * 3600)
COPIES: Final = (Filed.COUNTED, Filed.SAME_REPORTER, Filed.UNSUBSCRIBE, Filed.NOT_OURS)


class NotADomain(Refused):
    """What was typed is no domain name."""

    code = "not-a-domain"
    status = 422
    title = gettext_lazy("This is no domain name")


class NotTheirs(Refused):
    """Copies would go to somebody else than the domain's own people."""

    code = "not-theirs"
    status = 422
    title = gettext_lazy("Copies cannot go there")


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
    if not tenant.has_recipient(loop.email):
        raise NotTheirs(_("Copies go to a mailbox in one of your own domains: choose one there."))
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
    if _is_ours(loop.domain):
        raise NotTheirs(
            _("Mail of this domain goes out through us: its admin signs in for copies.")
        )
    if loop.email.rpartition("@")[2] not in above(loop.domain):
        raise NotTheirs(_("Copies go to a mailbox of the domain itself: choose one there."))
    FOR_DOMAIN.take(loop.domain)
    FOR_MAILBOX.take(loop.email.lower())
    with transaction.atomic():
        _check_free(loop)
        loop.save()
        emails.loop_asked(loop)
    return loop, token(loop)


def _own() -> set[str]:
    return {name.lower() for name in settings.POSTERN_OWN_DOMAINS}


def _is_ours(domain: str) -> bool:
    """Whether we sign mail with the domain, or with one above it: for whoever sends through us."""
    names = above(domain)
    return bool(_own().intersection(names)) or Domain.objects.filter(name__in=names).exists()


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
        proved = loop is not None and not _is_ours(loop.domain) and _is_proof(child, mail, loop)
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


def _is_proof(child: Child, mail: Received, loop: Loop) -> bool:
    """Signed by the domain, and from a mailbox that only its postmasters have (RFC 2142)."""
    outer = outer_of(child, mail)
    local, _at, domain = outer["from"].rpartition("@")
    if local not in ROLES or domain != loop.domain:
        return False
    return signed_by(child, mail, outer, [loop.domain], to=mail.recipient.strip("<> ").lower())


def pass_on(report: Report) -> None:
    """Write the copies of a report; in the transaction that settles it.

    Only about mail that a domain has proved to be its own: a claim is nobody's to read.
    """
    if report.filed not in COPIES:
        return
    for loop in _loops_of(report)[:MOST_COPIES]:
        if Letter.objects.filter(key=emails.loop_key(loop, report)).exists():
            continue
        with suppress(TooOften):
            COPIES_A_DAY.take(str(loop.pk))
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
    proved = (str(one[0]) for one in report.facts.get("verified", ()))
    return (domain for domain in proved if not _own().intersection(above(domain)))

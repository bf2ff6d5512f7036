"""Opening a ticket: what is checked, and the case that it hangs itself on."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Tenant
from escalation import owed, prefixes
from escalation.actors import Actor, Role
from escalation.errors import KeyReused, Refused
from escalation.prefixes import Prefix
from listings import lookup
from listings import queries as listed
from mailroom import dsn
from mailroom.lists import named_in
from mailroom.rendering import clean, single_line
from ownership import actions as owners
from ownership.queries import is_within
from tickets import actions, talking
from tickets.lifecycle import Event, State
from tickets.models import Case, Ticket


class AlreadyOpen(Refused):
    code = "ticket-already-open"
    title = gettext_lazy("There is an open ticket about this")


class NotPublic(Refused):
    code = "address-not-public"
    status = 422
    title = gettext_lazy("No ticket can be about this address")


class TooWide(Refused):
    code = "prefix-too-wide"
    status = 422
    title = gettext_lazy("This prefix is too wide for one ticket")


class NotYourRecipient(Refused):
    code = "recipient-not-yours"
    status = 422
    title = gettext_lazy("The recipient is not in your domains")


class TooMany(Refused):
    code = "too-many-tickets"
    status = 429
    title = gettext_lazy("Your organisation has opened many tickets today")


class NotYours(Refused):
    code = "role-not-allowed"
    status = 403
    title = gettext_lazy("This is for an admin of your organisation")


@dataclass(frozen=True, slots=True)
class Application:
    """What a customer admin says in order to open a ticket.

    ``prefix`` is text as typed; ``bounce`` the raw bounce or SMTP reply, kept
    as it came; ``bounce_name`` the file's name.
    """

    prefix: str
    sender_email: str
    recipient: str
    sender_name: str = ""
    sender_organisation: str = ""
    sender_language: str = "en"
    smtp_reply: str = ""
    note: str = ""
    external_reference: str = ""
    bounce: bytes = field(default=b"", repr=False)
    bounce_name: str = ""

    def cleaned(self) -> Self:
        """The same without control characters and marks that would hide what it says."""
        return replace(
            self,
            sender_name=single_line(self.sender_name, 200),
            sender_organisation=single_line(self.sender_organisation, 200),
            external_reference=single_line(self.external_reference, 100),
            smtp_reply=clean(self.smtp_reply).strip(),
            note=clean(self.note).strip(),
        )

    def fingerprint(self) -> str:
        """What an idempotency key stands for: SHA-256 over all fields."""
        fields = asdict(self) | {"bounce": hashlib.sha256(self.bounce).hexdigest()}
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def open_ticket(tenant: Tenant, actor: Actor, wish: Application, *, key: str = "") -> Ticket:
    """Open a ticket, join or make its case, and wake the jobs: one transaction.

    A second call with the same ``key`` returns the first call's ticket.
    Raises ``NotAnAddress``, ``NotPublic``, ``TooWide``, ``NotYourRecipient``,
    ``AlreadyOpen`` (with the link to the other), ``NotYours`` for a role that
    may not open, and ``KeyReused`` if ``key`` came with other content.
    """
    if actor.role != Role.ADMIN or actor.tenant_id != tenant.pk or actor.user is None:
        raise NotYours(_("Only an admin of your organisation can open a ticket: ask one to."))
    wish = wish.cleaned()
    if done := _done_before(tenant, wish, key):
        return done
    try:
        return _checked(tenant, actor, wish, key)
    except (Refused, IntegrityError) as problem:
        # Somebody opened the same ticket, or made the same case, at this moment.
        if done := _done_before(tenant, wish, key):
            return done
        if isinstance(problem, Refused):
            raise
        return _checked(tenant, actor, wish, key)


def _checked(tenant: Tenant, actor: Actor, wish: Application, key: str) -> Ticket:
    prefix = check(tenant, wish)
    _check_quota(tenant, wish.sender_email)
    # Read before the transaction: a hostile bounce takes its time, and SQLite has one writer.
    read = dsn.first_blocked(dsn.read(wish.bounce)) if wish.bounce else None
    return _write(tenant, actor, wish, prefix, read, key)


def _done_before(tenant: Tenant, wish: Application, key: str) -> Ticket | None:
    done = tenant.tickets.filter(key=key).first() if key else None
    if done is not None and done.fingerprint != wish.fingerprint():
        raise KeyReused(_("This key has opened ticket %d, which says something else.") % done.pk)
    return done


MOST_FOR_SENDER = 40  # tickets that one tenant may open within a day for one sender


def _check_quota(tenant: Tenant, sender_email: str) -> None:
    """Each ticket has letters written to others: a bound keeps them from being flooded."""
    most = settings.POSTERN_TENANT_TICKETS
    since = timezone.now() - timedelta(days=1)
    if tenant.tickets.filter(opened_at__gt=since)[:most].count() >= most:
        raise TooMany(
            _("%d tickets within a day are the most. Write to the desk in one of them.") % most
        )
    theirs = tenant.tickets.filter(opened_at__gt=since, sender_key=sender_email.strip().lower())
    if theirs[:MOST_FOR_SENDER].count() >= MOST_FOR_SENDER:
        raise TooMany(
            _("%d tickets within a day for one sender are the most: each is a letter to them.")
            % MOST_FOR_SENDER,
            field="sender_email",
        )


def check(tenant: Tenant, wish: Application) -> Prefix:
    """Return the prefix that the ticket is about, or refuse in words."""
    try:
        prefix = prefixes.parse_prefix(wish.prefix)
    except prefixes.NotAnAddress as refusal:
        refusal.field = "prefix"
        raise
    if why := listed.why_protected(prefix):
        raise NotPublic(why, field="prefix")
    if prefixes.too_wide(prefix):
        raise TooWide(
            _(
                "%(prefix)s is wider than /%(widest)d, the most that one ticket may be about. "
                "Open tickets about the parts that matter to you."
            )
            % {"prefix": prefix, "widest": prefixes.WIDEST[prefix.version]},
            field="prefix",
        )
    if not tenant.has_recipient(wish.recipient):
        names = ", ".join(tenant.domains.values_list("name", flat=True))
        raise NotYourRecipient(
            _("%(recipient)s is not in your domains. The recipient must be at one of: %(domains)s.")
            % {"recipient": wish.recipient, "domains": names or "–"},
            field="recipient",
        )
    if other := tenant.tickets.open().filter(prefix=str(prefix)).first():
        raise AlreadyOpen(
            _("Your ticket %(number)d about %(prefix)s is still open: follow that one.")
            % {"number": other.pk, "prefix": prefixes.shown(prefix)},
            link=other.get_absolute_url(),
            field="prefix",
        )
    return prefix


def _status_in(reply: str) -> str:
    """The enhanced status code of a bare reply (RFC 3463), "" if it has none."""
    results = dsn.read(reply.encode()).results if reply else ()
    return results[0].status if results else ""


@transaction.atomic
def _write(
    tenant: Tenant,
    actor: Actor,
    wish: Application,
    prefix: Prefix,
    read: dsn.Failure | None,
    key: str,
) -> Ticket:
    user = actor.person()
    case = _case_about(prefix, wish)
    reply = wish.smtp_reply or (read.diagnostic if read else "")
    ours = read is not None and is_within(read.remote_mta, settings.POSTERN_OWN_DOMAINS)
    named = None if ours or lookup.is_ours(reply) else named_in(reply)
    ticket = Ticket.objects.create(
        tenant=tenant,
        case=case,
        opened_by=user,
        prefix=str(prefix),
        sender_name=wish.sender_name,
        sender_email=wish.sender_email,
        sender_organisation=wish.sender_organisation,
        sender_language=wish.sender_language,
        recipient=wish.recipient,
        smtp_reply=reply,
        enhanced_status_code=(read.status if read else _status_in(reply))[:20],
        list_named=named.name if named else "",
        note=wish.note,
        external_reference=wish.external_reference,
        key=key,
        fingerprint=wish.fingerprint() if key else "",
    )
    talking.begin(ticket, actor, wish.bounce, wish.bounce_name)
    if case.inquiry is not None:  # under way already: the owner may be of this tenant's domains
        owners.note_tenant(case.inquiry, tenant.domains.values_list("name", flat=True))
    actions.take_step(case, Event.OPENED, actor, ticket=ticket)
    if case.state == State.NOT_LISTED:
        actions.take_step(case, Event.INSIST, actor, ticket=ticket)
    else:
        owed.owe(case)
    return ticket


def _case_about(prefix: Prefix, wish: Application) -> Case:
    """The live case about ``prefix``, or a new one.

    A case that has ended stays as it is: a new matter is a new case, and the
    desk shows the earlier ones beside it.
    """
    live = Case.objects.live().select_for_update().filter(prefix=str(prefix)).first()
    if live is not None:
        return live
    first, last = prefixes.keys(prefix)
    case = Case.objects.create(
        prefix=str(prefix),
        family=prefix.version,
        first=first,
        last=last,
        subject=wish.sender_email.rpartition("@")[2],
        listing=listed.covering_listing(prefix),
    )
    actions.start_turn(case)
    return case

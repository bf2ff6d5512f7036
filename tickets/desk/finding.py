"""Finding cases: by address, by number or reference, by sender, by tenant.

What is typed is read as the first of these that it can be; each way goes
through an index.
"""

import re

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from customers.models import Tenant
from escalation import prefixes
from escalation.prefixes import NotAnAddress, Prefix
from tickets.models import Case, CaseQuerySet, Ticket

TENANTS = 50  # tenants whose name begins with what is typed
NUMBER = re.compile(r"#?(\d{1,18})", re.ASCII)
LIKE_AN_ADDRESS = re.compile(r"[\[(<]?(\d{1,3}\.[\d./]*|[0-9a-f:.]*:[0-9a-f:./]*)[\])>]?", re.I)


def find(text: str) -> tuple[CaseQuerySet, str]:
    """The cases that ``text`` means, with words for what it was taken for.

    Raises ``NotAnAddress`` with words for what can only be a mistyped address.
    """
    text = text.replace("\0", "").strip()  # no text in the database has one
    if number := NUMBER.fullmatch(text):
        return _by_number(int(number[1]), text), _("Number or reference %s") % text
    try:
        prefix = prefixes.parse_prefix(text)
    except NotAnAddress:
        if LIKE_AN_ADDRESS.fullmatch(text):
            raise
    else:
        shown = prefixes.shown(prefix)
        return touching(prefix), _("Cases that cover %s, or lie in it") % shown
    if "@" in text:
        return _with_tickets(begins("sender_key", text.lower())), _("Sender %s") % text
    return _by_word(text), _("Sender’s domain, reference or customer %s") % text


def touching(prefix: Prefix) -> CaseQuerySet:
    """Cases whose prefix holds ``prefix``, or lies in it."""
    first, last = prefixes.keys(prefix)
    inside = Q(first__gte=first, first__lte=last, last__lte=last)
    return Case.objects.filter(Q(prefix__in=prefixes.covering(prefix)) | inside)


def _by_number(number: int, text: str) -> CaseQuerySet:
    tickets = Ticket.objects.filter(Q(pk=number) | Q(external_reference=text))
    return Case.objects.filter(Q(pk=number) | Q(pk__in=tickets.values("case")))


def _by_word(text: str) -> CaseQuerySet:
    named = Q(name__istartswith=text) | Q(domains__name=text.lower())
    tenants = Tenant.objects.filter(named).order_by().values_list("pk", flat=True).distinct()
    return _with_tickets(
        Q(domain_key=text.lower().strip("."))
        | Q(external_reference=text)
        | Q(tenant__in=list(tenants[:TENANTS]))
    )


def _with_tickets(condition: Q) -> CaseQuerySet:
    return Case.objects.filter(pk__in=Ticket.objects.filter(condition).values("case"))


def begins(column: str, text: str) -> Q:
    """Rows whose ``column`` begins with ``text``, in the way that the database has an index for.

    PostgreSQL has one for LIKE; SQLite's LIKE ignores case and with it the
    index, but its text is ordered by code points.
    """
    if connection.vendor == "sqlite":
        return Q(**{f"{column}__gte": text, f"{column}__lt": f"{text}\U0010ffff"})
    return Q(**{f"{column}__startswith": text})

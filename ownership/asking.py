"""Asks contacts: rungs, shared requests, and letters within their limits.

Rows are locked in this order: inquiry, contact, request.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max

from escalation.actors import DESK
from escalation.lifecycle import advance
from mailroom import actions as mailroom
from mailroom import tokens
from mailroom.models import Letter
from ownership import emails, queries
from ownership.lifecycle import OPEN, Event, State
from ownership.models import (
    Contact,
    Inquiry,
    Network,
    Request,
    RequestLetter,
    Rung,
)

LINK: Final = "/answer/{token}/"
MOST_LETTERS: Final = 3  # to one contact, about whatever, within WEEK
WEEK: Final = timedelta(days=7)
UNSENT: Final = timedelta(minutes=10)  # to look again whether a letter has gone out
REVOCABLE: Final = timedelta(hours=72)  # how long others may object to a confirm


def days(which: int) -> timedelta:
    """The plan of the ladder: 0 reminder, 1 second contact, 2 parent network, 3 end."""
    return timedelta(days=settings.POSTERN_OWNER_DAYS[which])


def life() -> timedelta:
    return days(-1)


def own_domains() -> list[str]:
    """Our own mail domains: nobody there is asked."""
    return list(settings.POSTERN_OWN_DOMAINS)


def request_to(
    network: Network,
    contact: Contact,
    now: datetime,
    *,
    forwarded_from: Request | None = None,
    lasting: timedelta | None = None,
) -> Request:
    """The open request to the contact of the network: the one there is, or a new one."""
    there = Request.objects.open().filter(network=network, contact=contact)
    if request := there.first():
        return request
    try:
        with transaction.atomic():
            return Request.objects.create(
                network=network,
                contact=contact,
                forwarded_from=forwarded_from,
                depth=forwarded_from.depth + 1 if forwarded_from else 0,
                opened_at=now,
                expires_at=now + (lasting or life()),
            )
    except IntegrityError:  # another inquiry about the network was quicker
        return there.get()


def lock_contacts(keys: Iterable[int]) -> None:
    """Lock the contacts of a step, always in the same order.

    ``no_key`` because a row that refers to the contact, which somebody else is
    just inserting, is no reason to wait.
    """
    list(Contact.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk"))


def open_rung(
    inquiry: Inquiry, request: Request, why: Rung.Why, now: datetime, *, note: str = ""
) -> Rung:
    """Lean the inquiry on ``request``; the rung there is, if it does already."""
    Inquiry.objects.select_for_update(no_key=True).get(pk=inquiry.pk)
    top = inquiry.rungs.aggregate(top=Max("position"))["top"]
    rung, _ = inquiry.rungs.get_or_create(
        request=request,
        defaults={
            "position": 0 if top is None else top + 1, "why": why, "note": note, "opened_at": now,
        },
    )  # fmt: skip
    return rung


def room_for_letter(contact: Contact, now: datetime) -> datetime:
    """From when on the contact may get another letter of any kind; ``now`` if at once."""
    recent = Letter.objects.filter(
        recipient=contact.email,
        kind__startswith="owner-",
        written_at__gt=now - WEEK,
        cancelled_at=None,
    )
    moments = list(recent.order_by("-written_at").values_list("written_at", flat=True))
    return now if len(moments) < MOST_LETTERS else moments[MOST_LETTERS - 1] + WEEK


def may_have_letters(contact: Contact, now: datetime) -> bool:
    bounced = contact.bounced_until is not None and contact.bounced_until > now
    return contact.stopped_at is None and not bounced


def write_due_letters(request: Request, now: datetime) -> datetime | None:
    """Write the question, or its reminder, if it is due; return when to look again.

    In the caller's transaction; locks contact and request.  A contact who has
    had enough letters this week gets theirs later.
    """
    contact = Contact.objects.select_for_update(no_key=True).get(pk=request.contact_id)
    request.refresh_from_db(from_queryset=Request.objects.select_for_update())
    if request.state not in OPEN or not may_have_letters(contact, now):
        return None
    due = letter_due(request)
    if due is None or due > now:
        return due
    free = room_for_letter(contact, now)
    if free > now:
        return free
    if not (inquiries := queries.open_inquiries(request)):
        return None
    if request.letters.exists() and request.state == State.QUEUED:
        return now + UNSENT  # their server has not taken the first one yet
    if not _has_news(request):
        advance(request, Event.REMIND, DESK, key="remind")
        Request.objects.filter(pk=request.pk).update(reminded_at=now)
        _write_question(request, inquiries, now, reminder=True)
        return None
    request.expires_at = now + life()
    Request.objects.filter(pk=request.pk).update(expires_at=request.expires_at)
    _write_question(request, inquiries, now, reminder=False)
    return now + days(0)


def letter_due(request: Request) -> datetime | None:
    """When the next letter about the request should go out; None if none should."""
    first = request.letters.order_by("written_at").first()
    if first is None or _has_news(request):
        return request.opened_at
    return None if request.reminded_at else first.written_at + days(0)


def _has_news(request: Request) -> bool:
    """Whether somebody asks about a prefix that no letter of the request has named yet."""
    last = request.letters.order_by("-written_at").first()
    asking = request.rungs.filter(inquiry__outcome="")
    return last is None or asking.filter(opened_at__gt=last.written_at).exists()


def _write_question(
    request: Request, inquiries: list[Inquiry], now: datetime, *, reminder: bool
) -> None:
    place = queries.listing_place(request.network, request.contact)
    draft = emails.question(request, inquiries, place, reminder=reminder)
    write_with_link(request, draft, now)


def write_with_link(request: Request, draft: emails.Draft, now: datetime) -> RequestLetter:
    """Write a letter of the request with a link of its own; older links end here."""
    number = request.letters.count()
    key = f"owner:{request.pk}:{number}"
    letter = mailroom.write(
        key=key,
        kind=draft.kind,
        recipient=request.contact.email,
        language=draft.language,
        template=draft.template,
        context=draft.context,
        link_path=LINK,
        link_key=key,
        nudge="inquiries",
    )
    request.letters.filter(superseded_at=None).update(superseded_at=now)
    return RequestLetter.objects.create(
        request=request,
        letter=letter,
        contact=request.contact,
        token_digest=tokens.digest(tokens.token(key)),
        written_at=now,
        expires_at=request.expires_at,
    )

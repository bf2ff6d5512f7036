"""Conversations: one private channel between the desk and each party of a case."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation.actors import Actor, Role
from escalation.errors import Refused
from mailroom import tokens
from mailroom.rendering import clean
from tickets import emails
from tickets.lifecycle import Party
from tickets.models import Attachment, Attestation, Case, Conversation, Message, Ticket

LONGEST = 20_000  # characters of one message
MOST_FILES = 5  # of one message
MOST_MESSAGES = 50  # of one party in one conversation within a day
MOST_BYTES = 25 * 1024 * 1024  # of all files in one conversation
LINK_DAYS = 180  # that a sender's link stays good


class TooMuch(Refused):
    code = "too-much"
    status = 413
    title = gettext_lazy("This is more than one conversation takes")


class Empty(Refused):
    code = "empty-message"
    status = 422
    title = gettext_lazy("There is nothing to send")


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file, as it came."""

    name: str
    content: bytes = field(repr=False)


def begin(ticket: Ticket, actor: Actor, bounce: bytes, bounce_name: str) -> None:
    """Open the customer's and the sender's conversation, and write to the sender."""
    customer = Conversation.objects.create(case=ticket.case, ticket=ticket, party=Party.CUSTOMER)
    files = [File(bounce_name or "bounce.eml", bounce)] if bounce else []
    if ticket.note or files:
        post(customer, actor, ticket.note, files=files)
    sender = Conversation.objects.create(case=ticket.case, ticket=ticket, party=Party.SENDER)
    sender.token_digest = tokens.digest(tokens.token(emails.link_key(sender)))
    sender.token_expires_at = timezone.now() + timedelta(days=LINK_DAYS)
    sender.save(update_fields=["token_digest", "token_expires_at"])
    emails.opened(sender)


def post(
    conversation: Conversation,
    actor: Actor,
    text: str,
    *,
    files: Sequence[File] = (),
    key: str = "",
) -> Message:
    """Write one message into ``conversation``, with its files; nothing else follows.

    ``key`` makes a retry safe.  Raises ``Empty`` and ``TooMuch``.
    """
    key = actor.own_key(key, conversation.pk)
    if key and (done := conversation.messages.filter(key=key).first()):
        return done
    text = clean(text).strip()
    if not text and not files:
        raise Empty(_("Write something, or attach a file."), field="text")
    check_bounds(conversation, actor, text, files)
    with transaction.atomic():
        message = Message.objects.create(
            conversation=conversation, role=actor.role, user=actor.user, text=text, key=key
        )
        Attachment.objects.bulk_create(
            Attachment(
                message=message,
                name=plain_name(file.name),
                size=len(file.content),
                sha256=hashlib.sha256(file.content).hexdigest(),
                content=file.content,
            )
            for file in files
        )
    return message


def check_bounds(
    conversation: Conversation, actor: Actor, text: str, files: Sequence[File]
) -> None:
    """Raise ``TooMuch`` for what is over a bound, in words that name the bound."""
    if len(text) > LONGEST:
        raise TooMuch(
            _("A message may have %d characters: attach the rest as a file.") % LONGEST,
            field="text",
        )
    limit = settings.POSTERN_UPLOAD_MIB * 1024 * 1024
    if len(files) > MOST_FILES or any(len(file.content) > limit for file in files):
        raise TooMuch(
            _("At most %(files)d files of %(size)d MiB each can be sent with one message.")
            % {"files": MOST_FILES, "size": settings.POSTERN_UPLOAD_MIB},
            field="files",
        )
    sizes = Attachment.objects.filter(message__conversation=conversation)
    if files and sum(sizes.values_list("size", flat=True)) + sum(
        len(file.content) for file in files
    ) > MOST_BYTES:  # fmt: skip
        raise TooMuch(
            _("The files of this conversation are over 25 MiB: send a link instead."),
            field="files",
        )
    if actor.role not in {Role.AGENT, Role.DESK}:
        since = timezone.now() - timedelta(days=1)
        if conversation.messages.filter(role=actor.role, written_at__gt=since).count() >= (
            MOST_MESSAGES
        ):
            raise TooMuch(
                _("%d messages a day are the most we take here. Please write again tomorrow.")
                % MOST_MESSAGES
            )


def plain_name(name: str) -> str:
    """A file's name as a label: no path, no control character, at most 200 characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[-200:].strip() or "file"


def notebook(case: Case) -> Conversation:
    """The agents' own notes on a case."""
    return Conversation.objects.get_or_create(case=case, party=Party.DESK)[0]


def with_party(case: Case, party: Party) -> "list[Conversation]":
    """The open conversations of a case with customers, or with senders."""
    return list(
        case.conversations.filter(party=party, ticket__ended_at=None).select_related(
            "ticket__opened_by", "ticket__tenant", "case"
        )
    )


def tell(case: Case, party: Party, actor: Actor, text: str, *, key: str) -> None:
    """Write ``text`` to every open conversation with ``party``, and a letter that says so."""
    for conversation in with_party(case, party):
        message = post(conversation, actor, text, key=key)
        emails.new_message(conversation, message)


def attest(ticket: Ticket, what_was_wrong: str, what_changed: str) -> Attestation:
    """Keep the sender's declaration, given once; the three boxes are all ticked.

    A second declaration replaces nothing: the first stands, later words are
    messages.
    """
    return Attestation.objects.get_or_create(
        ticket=ticket,
        defaults={
            "what_was_wrong": clean(what_was_wrong).strip(),
            "what_changed": clean(what_changed).strip(),
            "runs_server": True,
            "found_cause": True,
            "has_stopped": True,
        },
    )[0]

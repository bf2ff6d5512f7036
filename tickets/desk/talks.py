"""The conversations of a case, side by side, each with the one party that it is with."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Prefetch, Q
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from ownership.models import RequestLetter
from ownership.queries import Step
from tickets import reading, talking
from tickets.desk import evidence
from tickets.forms import MessageForm
from tickets.lifecycle import Party
from tickets.models import Attachment, Case, Conversation, Message, Ticket

SHOWN_TICKETS = 4  # tickets whose conversations one page shows
LISTED_TICKETS = 100
SHOWN_MESSAGES = 50  # latest of each conversation
MOST_LETTERS = 30
NOTEBOOK = 0  # stands for the agents' own notes among the conversations

FormOf = Callable[[int], MessageForm]


def tickets_of(case: Case) -> list[Ticket]:
    """The case's tickets, open ones first, the latest first."""
    rows = case.tickets.select_related("tenant", "opened_by", "attestation")
    found = list(rows.order_by("-pk")[:LISTED_TICKETS])
    return sorted(found, key=lambda ticket: ticket.ended_at is not None)


def shown(tickets: Sequence[Ticket], wanted: str) -> list[Ticket]:
    """The tickets whose conversations the page shows: the wanted one, or the first few."""
    chosen = [ticket for ticket in tickets if str(ticket.pk) == wanted]
    return chosen or list(tickets[:SHOWN_TICKETS])


def sections(case: Case, tickets: Sequence[Ticket], form_of: FormOf) -> list[dict[str, Any]]:
    """One section for each shown ticket: the customer's and the sender's conversation."""
    talks = conversations(Q(ticket__in=tickets))
    bounces = evidence.bounces(tickets)
    return [_section(case, ticket, talks, bounces.get(ticket.pk), form_of) for ticket in tickets]


def _section(
    case: Case,
    ticket: Ticket,
    talks: Sequence[Conversation],
    bounce: Attachment | None,
    form_of: FormOf,
) -> dict[str, Any]:
    own = [talk for talk in talks if talk.ticket_id == ticket.pk]
    return {
        "ticket": ticket,
        "attestation": getattr(ticket, "attestation", None),
        "bounce": _bounce(case, bounce),
        "bounce_line": ticket.smtp_reply or (bounce.name if bounce else ""),
        "channels": [_channel(talk, ticket, form_of) for talk in own],
    }


def conversations(which: Q) -> list[Conversation]:
    """Conversations with their latest messages, authors and files, in three queries."""
    files = Attachment.objects.defer("content")
    messages = Message.objects.select_related("user").prefetch_related(
        Prefetch("attachments", files)
    )
    latest = messages.order_by("-pk")[: SHOWN_MESSAGES + 1]
    rows = Conversation.objects.filter(which).prefetch_related(
        Prefetch("messages", latest, to_attr="latest")
    )
    return list(rows.order_by("ticket", "party"))


def _channel(talk: Conversation, ticket: Ticket, form_of: FormOf) -> dict[str, Any]:
    is_customer = talk.party == Party.CUSTOMER
    name = str(ticket.tenant) if is_customer else ticket.sender_email
    who = str(ticket.opened_by) if is_customer else _("by the link that we mailed")
    return {
        "id": f"talk-{talk.pk}",
        "party": talk.party,
        "pk": talk.pk,
        "name": name,
        "small": _("%(who)s, ticket %(number)d") % {"who": who, "number": ticket.pk},
        "label": _("Message to %(who)s") % {"who": name},
        "button": _("Send to the customer") if is_customer else _("Send to the sender"),
        "form": form_of(talk.pk),
        **_talk(talk),
    }


def _talk(talk: Conversation) -> dict[str, Any]:
    latest: list[Message] = talk.latest  # type: ignore[attr-defined]
    rows = reading.talk_rows(
        latest[:SHOWN_MESSAGES][::-1], Party.DESK, None, _file_url(talk.case_id)
    )
    return {"talk": rows, "more": len(latest) > SHOWN_MESSAGES}


def _file_url(case_id: int) -> Callable[[Attachment], str]:
    return lambda file: reverse("admin:tickets_case_file", args=[case_id, file.pk])


def _bounce(case: Case, file: Attachment | None) -> dict[str, Any] | None:
    if file is None:
        return None
    return {
        "name": file.name,
        "size": file.size,
        "text": evidence.as_text(file.start),  # type: ignore[attr-defined]
        "cut": file.size > evidence.BOUNCE_SHOWN,
        "url": _file_url(case.pk)(file),
    }


def notes(case: Case, form_of: FormOf) -> dict[str, Any]:
    """The agents' own notes; the row is made with the first of them."""
    found = conversations(Q(case=case, party=Party.DESK))
    book = _talk(found[0]) if found else {"talk": [], "more": False}
    return {"id": "notes", "form": form_of(NOTEBOOK), **book}


def owners_words(ladder: Sequence[Step]) -> list[dict[str, Any]]:
    """Our letters to owners and their answers, to be read only."""
    asked = [step.request for step in ladder if step.request is not None]
    letters = RequestLetter.objects.filter(request__in=asked).select_related("letter", "contact")
    rows = [
        {
            "party": Party.DESK.value,
            "author": _("The desk to %(contact)s") % {"contact": row.contact},
            "when": row.written_at,
            "text": row.letter.subject,
        }
        for row in letters.order_by("-pk")[:MOST_LETTERS]
    ]
    rows += [
        {
            "party": Party.OWNER.value,
            "author": _name(step),
            "when": step.answer.given_at,
            "text": "\n\n".join(
                words for words in (step.answer.get_kind_display(), step.answer.text) if words
            ),
        }
        for step in ladder
        if step.answer is not None
    ]
    return sorted(rows, key=lambda row: row["when"])


def _name(step: Step) -> str:
    given = step.answer.name_given if step.answer else ""
    return f"{given} ({step.email})" if given else step.email


# -- Writing ---------------------------------------------------------------------------


def conversation(case: Case, talk: int) -> Conversation:
    """The conversation to write into; raises ``Http404`` for one of another case."""
    if talk == NOTEBOOK:
        return talking.notebook(case)
    rows = case.conversations.exclude(ticket=None).select_related("case", "ticket")
    found = rows.filter(pk=talk).first()
    if found is None:
        raise Http404
    return found


def said(conversation: Conversation) -> str:
    """To whom it went, in words."""
    if conversation.ticket is None:
        return _("Noted. The desk alone reads it.")
    to = conversation.ticket.sender_email
    if conversation.party == Party.CUSTOMER:
        to = str(conversation.ticket.tenant)
    return _("Sent to %(party)s %(name)s.") % {
        "party": conversation.get_party_display(),
        "name": to,
    }

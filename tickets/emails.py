"""The letters about tickets and cases: to customers, senders and agents.

Each is written once (its key says for what), in the language of who reads it.
No letter to one party says a word of another's.
"""

from collections.abc import Mapping

from customers.models import User
from mailroom.actions import write
from tickets.lifecycle import Party, State
from tickets.models import Case, Conversation, Entry, Message, Ticket


def link_key(conversation: Conversation) -> str:
    """What the token in a sender's link is derived from."""
    return f"case:{conversation.pk}"


def opened(conversation: Conversation) -> None:
    """The sender's own link: what the case is about, and what we ask of them."""
    ticket = _ticket(conversation)
    _to_sender(conversation, f"opened:{conversation.pk}", "opened", {"ticket": ticket})


def new_message(conversation: Conversation, message: Message) -> None:
    """Tell a party that the desk wrote to them."""
    context = {"ticket": _ticket(conversation), "message": message}
    _to_party(conversation, f"message:{message.pk}", "message", context)


def state_changed(conversation: Conversation, entry: Entry) -> None:
    """Tell a party what became of the case."""
    ticket = _ticket(conversation)
    context = {
        "ticket": ticket,
        "case": conversation.case,
        "delisted": entry.target == State.DELISTED,
        "not_listed": entry.target == State.NOT_LISTED,
        "relapsed": entry.target == State.IN_REVIEW,
    }
    _to_party(conversation, f"state:{entry.pk}:{conversation.pk}", "state", context)


def risen(case: Case, entry: Entry, agent: User) -> None:
    """Tell an agent that a case has reached their level."""
    write(
        key=f"risen:{entry.pk}:{agent.pk}",
        kind="risen",
        recipient=agent.email,
        language=agent.language,
        template="tickets/email/risen",
        context={"case": case, "entry": entry},
        link_path=case.get_absolute_url(),
    )


def _ticket(conversation: Conversation) -> Ticket:
    ticket = conversation.ticket
    if ticket is None:
        raise ValueError("only customers and senders get these letters")
    return ticket


def _to_party(
    conversation: Conversation, key: str, template: str, context: Mapping[str, object]
) -> None:
    if conversation.party == Party.SENDER:
        _to_sender(conversation, key, template, context)
        return
    ticket = _ticket(conversation)
    write(
        key=key,
        kind=f"customer-{template}",
        recipient=ticket.opened_by.email,
        language=ticket.opened_by.language,
        template=f"tickets/email/customer_{template}",
        context=context,
        link_path=ticket.get_absolute_url(),
    )


def _to_sender(
    conversation: Conversation, key: str, template: str, context: Mapping[str, object]
) -> None:
    ticket = _ticket(conversation)
    write(
        key=key,
        kind=f"sender-{template}",
        recipient=ticket.sender_email,
        language=ticket.sender_language,
        template=f"tickets/email/sender_{template}",
        context=context,
        link_path="/case/{token}/",
        link_key=link_key(conversation),
        nudge="cases",
    )

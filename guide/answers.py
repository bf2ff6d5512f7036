"""What a diagnosis answers with, and the words for the parties that can fix it."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from delisting.policy import Verdict
from escalation.prefixes import Prefix
from guide.codes import Entry
from listings.lookup import Standing
from mailroom.diagnosis import Failure, Original


@dataclass(frozen=True, slots=True)
class Step:
    """The one next step: a link, or (``referral``) a form that makes a link to pass on."""

    label: str
    url: str = ""
    hint: str = ""
    referral: bool = False
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Fixer:
    """One party: whether it can act now, and what it would do."""

    party: str
    who: str
    can: bool
    tag: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page tells.  ``whose`` is ``ours``, the name of a list or receiver, or ""."""

    sentence: str
    whose: str = ""
    step: Step | None = None
    fixers: tuple[Fixer, ...] = ()
    next_steps: tuple[str, ...] = ()
    failure: Failure | None = None
    entry: Entry | None = None
    standing: Standing | None = None
    verdict: Verdict | None = None
    original: Original | None = None
    problem: str = ""
    warning: str = ""
    address: Prefix | None = None
    domain: str = ""
    others: tuple[Failure, ...] = field(default=())


def fixers_of_listing(by_sender: bool, kind: str, recipient: str) -> list[Fixer]:
    yes, later, no = _("can act now"), _("asked later"), _("not alone this time")
    person = (
        _("The person you wrote to, %s") % recipient if recipient else _("The person you wrote to")
    )
    you = Fixer(
        "sender", _("You"), by_sender, yes if by_sender else no,
        _("You may lift this listing yourself, once the cause has ended.")
        if by_sender
        else _("A listing of this kind does not come off by itself. Find and stop what sends."),
    )  # fmt: skip
    customer = Fixer(
        "customer", person, True, yes, _("They are our customer and may open a ticket for you."),
    )  # fmt: skip
    owner = Fixer(
        "owner", _("The owner of the address space"), False, later,
        _("We write to them ourselves once a ticket is open. You need not find them."),
    )  # fmt: skip
    if by_sender:
        return [you, customer]
    return [customer, you] if kind == "tenant" else [customer, you, owner]


def pass_on_steps() -> tuple[str, ...]:
    return (
        _("Give the link to the person you wrote to by telephone, chat, or another mailbox: mail "
          "from your server does not arrive yet."),
        _("They sign in and send the form. You get a link of your own, to tell us what was wrong "
          "and what you changed."),
        _("We ask the owner of the address space, then decide. Most cases take one or two working "
          "days."),
    )  # fmt: skip


def fixer_of(who: str, *, first: bool, ours: bool) -> Fixer:
    """A party of the dictionary, in words."""
    tag = _("can act now") if first else _("may help")
    party, name, text = {
        "sender": (
            "sender", _("You, who run the sending server"),
            _("The cause is at your side: see the steps below."),
        ),
        "recipient": (
            "customer", _("The person you wrote to, and their admin"),
            _("The cause is in their mailbox or their settings. Tell them by another way."),
        ),
        "owner": (
            "owner", _("The owner of the address space"),
            _("Your provider, or whoever the registry names for the address."),
        ),
        "service": (
            "desk", _("We") if ours else _("Whoever runs the server that refused it"),
            _("They set the rule, and can change it."),
        ),
        "nobody": (
            "nobody", _("Nobody: it passes by itself"),
            _("Your server tries again. You need do nothing."),
        ),
    }[who]  # fmt: skip
    return Fixer(
        party, name, first and who != "nobody", tag if who != "nobody" else _("wait"), text
    )

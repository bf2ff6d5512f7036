"""What a diagnosis answers with, and the words for the parties that can fix it."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from delisting.fixers import Fixer
from delisting.policy import Verdict
from escalation.prefixes import Prefix
from guide.codes import Entry
from listings.lookup import Standing
from listings.models import Listing
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

    @property
    def listing(self) -> Listing | None:
        """The listing that decides, as the page shows it."""
        if self.verdict is not None:
            return self.verdict.listing
        return self.standing.listing if self.standing is not None else None


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

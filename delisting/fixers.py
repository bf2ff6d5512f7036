"""Who can fix a listing, and what comes next: the same words on every page that says so."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from listings.models import ReasonClass


@dataclass(frozen=True, slots=True)
class Fixer:
    """One party: whether it can act now, and what it would do."""

    party: str
    who: str
    can: bool
    tag: str
    text: str


def of_listing(kind: str, *, by_sender: bool, recipient: str = "") -> list[Fixer]:
    """The parties of a listing of ours, in the order in which they can act."""
    person = (
        _("The person you wrote to, %s") % recipient if recipient else _("The person you wrote to")
    )
    if kind == ReasonClass.TENANT:
        text = _("Their organisation made this block, and only its admin can end it.")
    else:
        text = _("They, or their admin, are our customer and may open a ticket for you.")
    customer = Fixer("customer", person, True, _("can act now"), text)
    if by_sender:
        words = _("You may lift this listing yourself, once the cause has ended.")
        return [Fixer("sender", _("You"), True, _("can act now"), words), customer]
    words = _(
        "A listing of this kind does not come off by itself. Find out what sends, and stop it: "
        "while it sends, no one can take the address off the list."
    )
    you = Fixer("sender", _("You"), False, _("not alone this time"), words)
    if kind == ReasonClass.TENANT:
        return [customer, you]
    words = _("We write to them ourselves once a ticket is open. You need not find them.")
    owner = Fixer("owner", _("The owner of the address space"), False, _("asked later"), words)
    return [customer, you, owner]


def after_passing_on(kind: str) -> list[str]:
    """What happens with a link that is passed on."""
    give = _(
        "Give the link to the person you wrote to by telephone, chat, or another mailbox: mail "
        "from your server does not arrive yet."
    )
    if kind == ReasonClass.TENANT:
        return [give, _("Their admin signs in, sees what is blocked, and ends the block.")]
    return [
        give,
        _(
            "They, or their admin, sign in and send the form. You get a link of your own by mail, "
            "to tell us what was wrong and what you changed."
        ),
        _(
            "We ask the owner of the address space, then decide: mostly one or two working days "
            "after the owner has answered."
        ),
    ]

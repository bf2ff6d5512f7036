"""What the parts of a code say by the standard (RFC 3463, sections 2 and 3)."""

from django.utils.translation import gettext as _

from guide.codes import Code


def class_of(code: Code) -> str:
    """What the first digit says."""
    return {
        2: _("The mail was taken (2): nothing is wrong."),
        4: _("It is temporary (4): the sending server tries again by itself, for some days."),
        5: _("It is final (5): the sending server does not try again, and sends a bounce."),
    }[code[0]]


def subject_of(code: Code) -> str:
    """What the second number says it is about."""
    subjects = {
        1: _("It is about an address (1): the recipient's or the sender's is wrong or unknown."),
        2: _("It is about the mailbox (2): full, switched off, or not taking such mail."),
        3: _("It is about the mail system that was to take it (3): full, busy, or too small."),
        4: _("It is about the network or the way (4): a server or a name was not reached."),
        5: _("It is about the protocol (5): the two servers did not understand each other."),
        6: _("It is about the content (6): its form or size cannot be carried."),
        7: _("It is about security or policy (7): the server does not want this mail."),
    }
    return subjects.get(code[1], _("What it is about is not said by the standard (0)."))

"""The kinds of things: how a report is filed, what it complains of, whose mail it was."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class FeedbackClass(TextChoices):
    """What is complained of: RFC 5965 section 7.3, RFC 6430, RFC 6591, and the lists' opt-outs."""

    ABUSE = "abuse", _("junk")
    FRAUD = "fraud", _("fraud")
    VIRUS = "virus", _("malware")
    AUTH_FAILURE = "auth_failure", _("failed authentication")
    NOT_SPAM = "not_spam", _("no junk, wrongly filtered")
    OPT_OUT = "opt_out", _("does not want it any more")
    OTHER = "other", _("something else")


# Of these there is an incident; the others ask for something else than an end of it.
MAKES_INCIDENT = frozenset(
    {
        FeedbackClass.ABUSE, FeedbackClass.FRAUD, FeedbackClass.VIRUS,
        FeedbackClass.AUTH_FAILURE, FeedbackClass.OTHER,
    }
)  # fmt: skip


class Strength(TextChoices):
    """How surely the reported mail was ours, from the surest; never a yes or no."""

    A1 = "A1", _("signed by them, whole")
    A2 = "A2", _("its headers were signed by them")
    B = "B", _("carries our own mark")
    C = "C", _("a trusted reporter took it from their address")
    D = "D", _("the reporter says so")
    N = "N", _("not ours")


PROVED = frozenset({Strength.A1, Strength.A2, Strength.B, Strength.C})


class Filed(TextChoices):
    """Where a report went."""

    COUNTED = "counted", _("counted")
    SAME_REPORTER = "same_reporter", _("this reporter was counted today")
    DUPLICATE = "duplicate", _("reported before")
    NO_TENANT = "no_tenant", _("ours, but nobody knows whose")
    NOT_OURS = "not_ours", _("not ours")
    NOT_JUNK = "not_junk", _("no junk, wrongly filtered")
    UNSUBSCRIBE = "unsubscribe", _("wants no more of it")
    AUTO_REPLY = "auto_reply", _("an automatic reply")
    NOTICE = "notice", _("a machine’s notice")
    PLAIN = "plain", _("mail for an agent")


ANSWERED = frozenset({Filed.COUNTED, Filed.NOT_OURS})  # their reporters hear of it
# Nothing more becomes of these by itself: an agent deals with them, and closes them.
FOR_AGENTS = frozenset({Filed.NO_TENANT, Filed.NOT_JUNK, Filed.PLAIN})

# What speaks for, or against, an attribution.
REASONS = {
    "dkim": _("Their DKIM signature holds over the whole message."),
    "dkim-headers": _("Their DKIM signature holds over the headers; the body was left out."),
    "trace": _("It carries our own mark, made for a message with this Message-ID."),
    "reporter": _("An enrolled reporter, who signed the report, took it from this address."),
    "range": _("The address was theirs on that day."),
    "shared-range": _("The address was ours on that day; tenants share it."),
    "says-domain": _("It names their domain; nothing proves it."),
    "says-address": _("The reporter names an address of theirs; nothing proves it."),
    "key-retired": _("The key that signed it had been retired by then."),
    "not-signed": _("Its signature does not hold: it was changed, or was never theirs."),
    "no-key": _("The key that would prove the signature could not be found."),
    "not-asked": _("Nobody could be asked for the key that would prove the signature."),
    "hops-differ": _("The way of the message contradicts the address that the reporter names."),
    "foreign-address": _("It came from an address that is not ours."),
    "foreign-domain": _("It was signed by a domain that is not ours."),
    "nothing": _("Nothing in it points to us."),
    "impossible-date": _("Its date is impossible."),
}

"""What the answers on a ladder come to, for one inquiry."""

from collections.abc import Iterable
from enum import Enum

from django.utils.translation import gettext as _

from ownership import queries
from ownership.lifecycle import OPEN
from ownership.models import Answer, Inquiry, Rung

MAILBOX_LEVEL = 2  # the most that an answer to a letter can prove

# An outcome may change only so; whatever else was said stays said.
LATER = {
    "": frozenset(Inquiry.Outcome),
    Inquiry.Outcome.UNKNOWN: frozenset(
        {Inquiry.Outcome.CONFIRMED, Inquiry.Outcome.DENIED, Inquiry.Outcome.CONTRADICTED}
    ),
    Inquiry.Outcome.CONFIRMED: frozenset({Inquiry.Outcome.CONTRADICTED}),
    Inquiry.Outcome.DENIED: frozenset({Inquiry.Outcome.CONTRADICTED}),
    Inquiry.Outcome.CONTRADICTED: frozenset[str](),
    Inquiry.Outcome.CANCELLED: frozenset[str](),
}


class Word(Enum):
    """What one rung says about the inquiry's prefix."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    DENIED = "denied"
    PASSED_ON = "passed on"
    NOTHING = "nothing"


def word_of(rung: Rung, prefix: str) -> Word:
    """What ``rung`` says; NOTHING means that the next contact is due."""
    request = rung.request
    if request.state in OPEN:
        return Word.WAITING
    answer = queries.answer_to(request)
    if answer is None:
        return Word.NOTHING
    if answer.checked_at is None:
        return Word.WAITING
    if answer.kind == Answer.Kind.FORWARD:
        return Word.PASSED_ON if answer.accepted else Word.NOTHING
    if not answer.accepted or prefix not in answer.prefixes:
        return Word.NOTHING
    if answer.kind in queries.CONFIRMING:
        return Word.CONFIRMED
    return Word.DENIED if answer.kind == Answer.Kind.DENY else Word.NOTHING


def verdict(inquiry: Inquiry, rungs: Iterable[Rung]) -> tuple[Inquiry.Outcome, str] | None:
    """The outcome that stands, with why; None while there is none."""
    words: dict[Word, list[str]] = {word: [] for word in Word}
    for rung in rungs:
        words[word_of(rung, inquiry.prefix)].append(rung.request.contact.email)
    yes, no = ", ".join(words[Word.CONFIRMED]), ", ".join(words[Word.DENIED])
    if yes and no:
        told = {"yes": yes, "no": no}
        return Inquiry.Outcome.CONTRADICTED, _("Confirmed by %(yes)s, denied by %(no)s.") % told
    if no:
        return Inquiry.Outcome.DENIED, _("Denied by %(no)s.") % {"no": no}
    level = queries.effective_level(inquiry.asked)
    if level >= inquiry.level_needed:
        proved = (
            _("Proved at level %(level)d: %(yes)s.") if yes else _("Proved at level %(level)d.")
        )
        return Inquiry.Outcome.CONFIRMED, proved % {"level": level, "yes": yes}
    if yes and level >= MAILBOX_LEVEL:
        return Inquiry.Outcome.UNKNOWN, _(
            "Confirmed by %(yes)s at level %(level)d; level %(needed)d is needed because of: "
            "%(flags)s. No letter can prove more."
        ) % {
            "yes": yes,
            "level": level,
            "needed": inquiry.level_needed,
            "flags": ", ".join(inquiry.flags) or _("the policy"),
        }
    return None

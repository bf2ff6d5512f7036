"""From a bounce, a reply or an address to an answer: what happened, who can fix it, what next.

Pure but for the list and the policy, which it asks; nothing here is stored, and nothing looked up
outside.  One sentence, one next step.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from delisting import fixers, policy
from delisting.fixers import Fixer
from escalation import prefixes
from escalation.errors import Refused
from escalation.prefixes import Prefix
from guide import codes
from guide.answers import Answer, Step, fixer_of
from guide.codes import Entry
from listings import lookup
from listings.lookup import Standing
from mailroom import dsn
from mailroom.diagnosis import Diagnosis, Failure, Original
from mailroom.lists import Blocklist, by_name, named_in
from mailroom.recipients import domain_name
from ownership.queries import is_within

NAMES_WANTED: Final = frozenset({"rdns"})
# How PNG, JPEG, GIF, WebP, PDF, ZIP and gzip begin.
NOT_TEXT: Final = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"%PDF", b"PK\x03\x04", b"\x1f\x8b",
)  # fmt: skip
MOST_OTHERS: Final = 20  # further recipients of one bounce that are shown
PASSING: Final = frozenset({"greylist", "rate"})


def of_bounce(raw: bytes, typed: str = "") -> Answer:
    """Read what was pasted or uploaded; ``typed`` is the address that was given beside it."""
    if raw.startswith(NOT_TEXT):
        return Answer(
            _("This is a picture, or another file without text."),
            problem=_("Copy the text of the bounce and paste it, or choose the .eml file."),
        )
    found = dsn.read(raw)
    if found.kind == "unreadable":
        return Answer(_("We could not read this."), problem=_why_unreadable(found.error))
    failure = dsn.first_blocked(found) or next(iter(found.results), None)
    if failure is None:
        return _no_failure(found)
    address = _prefix(lookup.address_named(failure.diagnostic) or failure.blocked_address)
    answer = _of_failure(failure, found, address)
    others = tuple(one for one in found.results if one is not failure)[:MOST_OTHERS]
    return replace(
        answer,
        original=found.original,
        others=others,
        warning=_differs(typed, address),
        domain=_domain(found.original),
    )


def of_address(prefix: Prefix) -> Answer:
    """What is known of an address alone."""
    standing = lookup.standing(prefix)
    shown = prefixes.shown(prefix)
    if standing.listing is not None:
        return _listed(Failure(), standing, None, prefix)
    words = (
        _("%s has just come off our list: not all of our servers have confirmed it yet.")
        if standing.is_leaving
        else _("%s is not on our list.")
    )
    return Answer(
        words % shown,
        step=Step(
            _("Paste the bounce"), reverse("guide:diagnosis"),
            _("It says why the mail came back, and whose list it is."),
        ),
        standing=standing,
        address=prefix,
    )  # fmt: skip


def _prefix(text: str) -> Prefix | None:
    try:
        return prefixes.parse_prefix(text) if text else None
    except Refused:
        return None


def _domain(original: Original | None) -> str:
    return domain_name(original.sender_email.rpartition("@")[2]) if original else ""


def _differs(typed: str, address: Prefix | None) -> str:
    """A warning where the address beside the bounce is not the one in it."""
    given = _prefix(typed.strip()[:64])
    if given is None or address is None or given == address:
        return ""
    return _(
        "You typed %(typed)s, but the bounce is about %(found)s: that is the server whose mail "
        "was refused, and we go by it. A browser's or a computer's own address is often another."
    ) % {"typed": prefixes.shown(given), "found": prefixes.shown(address)}


def _why_unreadable(error: str) -> str:
    return {
        "msg": _(
            "This is an Outlook .msg file, which only Outlook can read. Save the bounce as .eml, "
            "or copy its whole text and paste that."
        ),
        "empty": _("There is nothing in it. Paste the bounce, or the line with the error."),
        "too-large": _("It is larger than 5 MB. Paste only the bounce itself, without the mail."),
    }.get(
        error,
        _(
            "It is built in a way that we do not take apart. Paste only the lines with the error, "
            "such as “550 5.7.606 Access denied”."
        ),
    )


def _no_failure(found: Diagnosis) -> Answer:
    """Text in which nobody refuses anything."""
    report = found.kind == "report"
    return Answer(
        _("This is a report about mail, and says of no mail that it was refused.")
        if report
        else _("This is no bounce, and no reply that we know."),
        problem=_(
            "Paste the whole message that came back, with its headers, or the one line that "
            "begins with a number such as 550."
        ),
    )


def _is_ours(failure: Failure) -> bool:
    said_by_us = is_within(failure.remote_mta, settings.POSTERN_OWN_DOMAINS)
    return lookup.is_ours(failure.diagnostic) or said_by_us


def _of_failure(failure: Failure, found: Diagnosis, address: Prefix | None) -> Answer:
    ours = _is_ours(failure)
    standing = lookup.standing(address) if address is not None else None
    entry = codes.best(failure.status, failure.smtp_code, failure.diagnostic, ours=ours)
    theirs = None if ours else _list_named(failure, found)
    own = codes.best(failure.status, failure.smtp_code, failure.diagnostic, ours=True)
    maybe_ours = not failure.remote_mta and theirs is None and _covers(own, failure.status)
    if standing is not None and standing.listing is not None and _is_for_our_list(failure, entry):
        return _listed(failure, standing, own, standing.prefix)
    if maybe_ours and not ours and standing is None:
        return _without_address(failure, own)
    if maybe_ours and standing is not None and lookup.was_listed(standing.prefix):
        return _was_listed(failure, standing, own)
    if ours and standing is not None and failure.block_kind in {"", "list"}:
        return _was_listed(failure, standing, entry)
    if theirs is not None and failure.block_kind in {"", "list"} and _is_block(failure):
        answer = _on_anothers_list(failure, theirs, entry)
    else:
        answer = _by_meaning(failure, theirs, ours, entry)
    return replace(answer, failure=failure, entry=entry, standing=standing, address=address)


def _is_for_our_list(failure: Failure, entry: Entry | None) -> bool:
    """Whether a reply about a listed address is for our list: it says so, or it is a bare line
    that nobody else is known to say."""
    if failure.block_kind not in {"", "list"}:
        return False
    if lookup.is_ours(failure.diagnostic):
        return True
    if not _is_block(failure):
        return False
    if failure.remote_mta:
        return _is_ours(failure)
    theirs = named_in(failure.diagnostic)
    own = codes.best(failure.status, failure.smtp_code, failure.diagnostic, ours=True)
    return theirs is None and (entry is None or not entry.said_by or _covers(own, failure.status))


def _covers(entry: Entry | None, status: str) -> bool:
    code = codes.parse(status)
    is_ours = entry is not None and entry.said_by == codes.OURS
    return is_ours and code is not None and entry is not None and entry.covers(code)


def _is_block(failure: Failure) -> bool:
    return bool(failure.block_kind or failure.blocked_address)


def _list_named(failure: Failure, found: Diagnosis) -> Blocklist | None:
    if named := named_in(failure.diagnostic):
        return named
    return by_name(found.list_named) or (
        Blocklist(found.list_named, (), "") if found.list_named else None
    )


def _listed(failure: Failure, standing: Standing, entry: Entry | None, prefix: Prefix) -> Answer:
    """On our own list: by the policy the sender lifts it, or a link is passed on."""
    shown = prefixes.shown(prefix)
    verdict = policy.verdict(prefix) if policy.single(prefix) else None
    if failure.recipient:
        sentence = _(
            "Your mail to %(recipient)s was refused because your server, %(address)s, is on our "
            "blocklist."
        ) % {"recipient": failure.recipient, "address": shown}
    else:
        sentence = _("%s is on our blocklist, so our servers refuse its mail.") % shown
    by_sender = verdict is not None and verdict.rule.is_by_sender
    page = f"{reverse('delisting:find')}?{urlencode({'address': shown})}"
    if by_sender:
        step = Step(
            _("Get it off the list"), page,
            _("You say what changed, and confirm a letter. It costs nothing."),
        )  # fmt: skip
    else:
        step = Step(
            _("Make a link to pass on"), referral=True,
            hint=_("It opens a ticket form that is already filled in, for our customer."),
        )  # fmt: skip
    listing = verdict.listing if verdict else standing.listing
    kind = policy.class_of(listing) if listing else ""
    parties = fixers.of_listing(kind, by_sender=by_sender, recipient=failure.recipient)
    return Answer(
        sentence, "ours", step, tuple(parties),
        () if by_sender else tuple(fixers.after_passing_on(kind)),
        failure if failure.diagnostic else None, entry, standing, verdict, address=prefix,
    )  # fmt: skip


def _without_address(failure: Failure, entry: Entry | None) -> Answer:
    """A line that we say, and others say too, without the address that it is about."""
    return Answer(
        _("Your mail was refused for your server's address, and the line does not say which."),
        "ours",
        Step(
            _("Look the address up"), reverse("delisting:find"),
            _("It stands in the whole bounce, often in square brackets."),
        ),
        (
            Fixer(
                "sender", _("You"), True, _("can act now"), _("Find the address, and look it up."),
            ),
        ),
        (
            _("If you wrote to a customer of ours, our list refuses it: look the address up."),
            _("If you wrote to somebody else, such as a customer of Microsoft 365, their list "
              "does: the page of the code says what to do there."),
        ),
        failure, entry,
    )  # fmt: skip


def _was_listed(failure: Failure, standing: Standing, entry: Entry | None) -> Answer:
    """Our reply, and the address is not on the list now."""
    shown = prefixes.shown(standing.prefix)
    if standing.is_leaving:
        sentence = _("%s is off our list, and some of our servers have not confirmed it yet.")
        steps = (_("Wait some minutes, then send your mail again."),)
    else:
        sentence = _("%s was refused by us, and is not on our list any more.")
        steps = (_("Send your mail again: it was not kept."),)
    page = f"{reverse('delisting:find')}?{urlencode({'address': shown})}"
    return Answer(
        sentence % shown, "ours", Step(_("Look the address up"), page),
        (Fixer("sender", _("You"), True, _("can act now"), _("Send the mail again.")),),
        steps, failure, entry, standing, address=standing.prefix,
    )  # fmt: skip


def _on_anothers_list(failure: Failure, theirs: Blocklist, entry: Entry | None) -> Answer:
    """Refused for a list that is not ours: we cannot lift it, and say who can."""
    address = failure.blocked_address
    sentence = (
        _("Your mail was refused because your server, %(address)s, is on a list of %(list)s, not "
          "on ours.") % {"address": address, "list": theirs.name}
        if address
        else _("Your mail was refused by a list of %(list)s, not by ours.") % {"list": theirs.name}
    )  # fmt: skip
    where = theirs.page or (entry.where if entry else "")
    step = (
        Step(
            _("Go to the page of %s") % theirs.name, where, _("It leads out of here."), outside=True
        )
        if where
        else _read_code(failure, entry)
    )
    parties = (
        Fixer(
            "sender", _("You, who run the sending server"), True, _("can act now"),
            _("Stop what sent the unwanted mail, then ask them to take the address off."),
        ),
        Fixer(
            "desk", _("We"), False, _("cannot"),
            _("It is not our list: we can take nothing off it."),
        ),
    )  # fmt: skip
    steps = entry.said.steps if entry and entry.said_by else ()
    return Answer(sentence, theirs.name, step, parties, steps)


def _by_meaning(
    failure: Failure, theirs: Blocklist | None, ours: bool, entry: Entry | None
) -> Answer:
    """Everything else goes by the dictionary of codes."""
    whose = "ours" if ours else theirs.name if theirs else entry.said_by if entry else ""
    if entry is not None and not (failure.block_kind in NAMES_WANTED and not entry.said_by):
        sentence, steps = _sentence(failure, entry), entry.said.steps
        parties = tuple(
            fixer_of(who, first=number == 0, ours=ours) for number, who in enumerate(entry.fixers)
        )
    elif failure.block_kind in NAMES_WANTED:
        sentence = _("Your mail was refused because your server has no proper reverse name.")
        steps = (_("Give the address a reverse name (PTR) that points back to it (A or AAAA)."),)
        parties = (fixer_of("sender", first=True, ours=ours),)
    elif failure.block_kind in PASSING:
        sentence = _("Your mail was put off for a while; your server tries again by itself.")
        steps = (_("Wait. If it goes on for a day, send more slowly."),)
        parties = (fixer_of("nobody", first=True, ours=ours),)
    else:
        sentence = _("Your mail was refused, and the reply has no code that we know.")
        steps = (_("Show the whole reply to whoever runs the server that gave it."),)
        parties = (fixer_of("service", first=True, ours=ours),)
    step = _step(failure, entry, parties, ours)
    return Answer(sentence, whose, step, parties, steps)


def _sentence(failure: Failure, entry: Entry) -> str:
    title = entry.said.title
    if failure.smtp_code.startswith("4") or failure.status.startswith("4"):
        if failure.recipient:
            return _("Your mail to %(recipient)s was put off: %(why)s.") % {
                "recipient": failure.recipient, "why": title,
            }  # fmt: skip
        return _("Your mail was put off: %s.") % title
    if failure.recipient:
        return _("Your mail to %(recipient)s was refused: %(why)s.") % {
            "recipient": failure.recipient, "why": title,
        }  # fmt: skip
    return _("Your mail was refused: %s.") % title


def _step(failure: Failure, entry: Entry | None, parties: Sequence[Fixer], ours: bool) -> Step:
    """One button: their form, our link to pass on, the DNS page, or the meaning of the code."""
    first = parties[0].party if parties else ""
    if entry is not None and entry.where and entry.self_service == "form":
        name = entry.said_by or _("the receiver")
        return Step(
            _("Go to the page of %s") % name, entry.where, _("It leads out of here."), outside=True
        )
    if ours and first in {"customer", "desk"}:
        return Step(
            _("Make a link to pass on"), referral=True,
            hint=_("It opens a ticket form that is already filled in, for our customer."),
        )  # fmt: skip
    if failure.block_kind in NAMES_WANTED or (entry is not None and _is_about_names(entry)):
        page = reverse("guide:page", args=["authentication"])
        return Step(_("See the records to set"), page, _("Below is what the DNS says now."))
    return _read_code(failure, entry)


def _is_about_names(entry: Entry) -> bool:
    """Whether the sender's DNS is what is wrong: RFC 7372, RFC 8601, and receivers' own."""
    details = {first[2] for first, _last in entry.ranges}
    return entry.fixers[0] == "sender" and bool(
        details & {20, 21, 22, 23, 24, 25, 26, 27, 509, 515}
    )


def _read_code(failure: Failure, entry: Entry | None) -> Step:
    if entry is not None:
        url = reverse("guide:code", args=[failure.status or entry.slug])
        return Step(_("Read what to do, step by step"), url)
    if failure.status:
        return Step(_("Read what the code means"), reverse("guide:code", args=[failure.status]))
    return Step(_("Search the guide"), reverse("guide:search"))

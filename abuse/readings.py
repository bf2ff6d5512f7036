"""From raw mail to evidence: many mails through one limited child, keys asked for between.

Nothing here is in a transaction: the child, and the DNS, take their time.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final

from abuse import attribution
from abuse.attribution import Attribution, Evidence, Known
from abuse.known import LOOKUPS_OUTSIDE, Pair, ask_outside, known, learn, published
from mailroom.confined import Child, Unreadable
from mailroom.models import Channel, Received
from mailroom.receiving import purpose_of
from mailroom.recipients import domain_name

ANSWER: Final = "abuse.evidence:answer"
MOST_KEYS: Final = 10  # of one message
MOST_NEW: Final = 2  # of these that are on no file: whoever invents selectors makes us ask for them
ASKED: Final = 3  # attempts after which a mail is filed without a key that nobody could ask for


@dataclass(frozen=True, slots=True)
class Read:
    """One mail, read: what was found in it, and whose mail it is about."""

    received: Received
    answer: dict[str, Any]
    attribution: Attribution
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class NotRead:
    """One mail that could not be read; ``reason`` is one of ``mailroom.diagnosis``."""

    received: Received
    reason: str


@dataclass(frozen=True, slots=True)
class Waits:
    """One mail that waits until the DNS can be asked for a key that could prove it."""

    received: Received


def reader() -> Child:
    """The child that reads; one serves many batches."""
    return Child(ANSWER)


def read_all(
    child: Child, rows: Sequence[Received], seconds: float = 3600.0
) -> list[Read | NotRead | Waits]:
    """Read ``rows``; never raises for what is in them.

    Left out is what there were not ``seconds`` enough for; there is always one that is not.
    """
    end = time.monotonic() + seconds
    # Half of the time for the first look: or mails that are slow to read would leave none for any.
    rows, first = _ask_all(child, rows, seconds / 2)
    answers = [answer for answer in first if isinstance(answer, dict)]
    facts = known(answers)
    if any(is_uploaded(row) for row in rows):
        first = [
            _itself(child, row, one, facts) if time.monotonic() < end else ""
            for row, one in zip(rows, first, strict=True)
        ]
        answers = [answer for answer in first if isinstance(answer, dict)]
        facts = known(answers)
    learn(facts, [pair for answer in answers for pair in _ours(answer, facts)])
    ask_outside(
        facts,
        [
            pair
            for answer in answers
            for pair in [*_enrolled(answer, facts), *_looped(answer, facts)]
        ],
    )
    results: list[Read | NotRead | Waits] = [
        NotRead(row, reason)
        for row, reason in zip(rows, first, strict=True)
        if isinstance(reason, str) and reason
    ]
    for row, answer in zip(rows, first, strict=True):
        if results and time.monotonic() > end:
            break
        if isinstance(answer, dict):
            results.append(_read(child, row, answer, facts))
    return results


def _ask_all(
    child: Child, rows: Sequence[Received], seconds: float
) -> tuple[list[Received], list[dict[str, Any] | str]]:
    """The rows that were read, and what the child found in each, or why it found nothing."""
    end = time.monotonic() + seconds
    found: dict[int, dict[str, Any] | str] = {}
    for channel in dict.fromkeys(row.channel for row in rows):
        mine = [row for row in rows if row.channel == channel]
        raws = [bytes(row.raw) for row in mine]
        answers = child.ask_all(raws, seconds=end - time.monotonic(), channel=channel)
        found |= {row.pk: _fit(answer) for row, answer in zip(mine, answers, strict=False)}
    done = [row for row in rows if row.pk in found]
    return done, [found[row.pk] for row in done]


def _itself(
    child: Child, row: Received, answer: dict[str, Any] | str, facts: Known
) -> dict[str, Any] | str:
    """An uploaded mail of ours is the junk, even if it holds a report: or whoever sends junk would
    put one in it."""
    if isinstance(answer, str) or not is_uploaded(row) or answer["reading"]["itself"]:
        return answer
    outer = answer["outer"]
    if not outer["trace"] and not any(facts.is_ours(domain) for domain, _s in outer["signatures"]):
        return answer
    try:
        return _fit(child.ask(bytes(row.raw), channel=row.channel, itself=True))
    except Unreadable as problem:
        return problem.reason


def _fit(answer: dict[str, Any] | Unreadable) -> dict[str, Any] | str:
    if isinstance(answer, Unreadable):
        return answer.reason
    reading = answer["reading"]
    if reading["kind"] == "unreadable":
        return str(reading["error"])
    answer["enclosed"]["from_domain"] = domain_name(answer["enclosed"]["from_domain"])
    return answer


def _ours(answer: dict[str, Any], facts: Known) -> list[Pair]:
    """The signatures of the enclosed message that our keys could prove."""
    pairs = [(d, s) for d, s in answer["enclosed"]["signatures"] if facts.is_ours(d)]
    new = [pair for pair in pairs if pair not in facts.keys][:MOST_NEW]
    return [pair for pair in pairs if pair in facts.keys or pair in new][:MOST_KEYS]


def _looped(answer: dict[str, Any], facts: Known) -> list[Pair]:
    """The signatures of the enclosed message by which somebody outside could have a copy."""
    pairs = [(d, s) for d, s in answer["enclosed"]["signatures"] if not facts.is_ours(d)]
    return [pair for pair in pairs if facts.looped.intersection(attribution.above(pair[0]))][:2]


def _enrolled(answer: dict[str, Any], facts: Known) -> list[Pair]:
    """The signatures of the report itself that would show an enrolled reporter."""
    pairs = [(d, s) for d, s in answer["outer"]["signatures"]]
    return [pair for pair in pairs if facts.reporter_of(pair[0])][:2]


def _read(
    child: Child, row: Received, answer: dict[str, Any], facts: Known
) -> Read | NotRead | Waits:
    """Prove what the keys can prove, and say whose mail it was."""
    ours, theirs = _ours(answer, facts), _enrolled(answer, facts)
    if row.attempts < ASKED and facts.unasked.intersection([*ours, *theirs]):
        return Waits(row)
    at, has_wrong_date = _arrived(row, answer)
    keys = [
        [*pair, key.record]
        for pair in ours
        for key in attribution.in_time(facts.keys.get(pair, ()), at)
    ]
    keys += [
        [*pair, record]
        for pair in _looped(answer, facts)
        if (record := facts.outside_keys.get(pair))
    ]
    outer = [[*pair, record] for pair in theirs if (record := facts.outside_keys.get(pair))]
    proved: dict[str, Any] = {}
    if keys or outer:
        try:
            proved = child.ask(
                bytes(row.raw), channel=row.channel, keys=keys, outer_keys=outer,
                itself=answer["reading"]["itself"],
            )  # fmt: skip
        except Unreadable as problem:
            return NotRead(row, problem.reason)
    source = answer["reading"]["feedback"]["source_address"]
    verified = proved.get("verified", ())
    evidence = Evidence(
        enclosed=answer["enclosed"],
        source=ip_address(source) if source else None,
        at=at,
        verified=[(d, s, level) for d, s, level, *_more in verified],
        records=[record for *_more, record, _is_named in verified],
        proofs=[b for d, _s, _level, b, *_more in verified if facts.is_ours(d)],
        names_message=bool(answer["enclosed"]["message_id"])
        and any(is_named for d, *_more, is_named in verified if facts.is_ours(d)),
        outer_from=answer["outer"]["from"],
        outer_verified=[(d, s) for d, s in proved.get("outer_verified", ())],
        received_at=row.received_at,
        has_wrong_date=has_wrong_date,
        is_quoted=bool(answer["reading"]["inline"]),
    )
    return Read(row, answer, attribution.attribute(evidence, facts), evidence)


def _arrived(row: Received, answer: dict[str, Any]) -> tuple[datetime, bool]:
    """When the reported message arrived, as far as it is said, and whether that cannot be."""
    date = answer["reading"]["feedback"]["arrival_date"] or answer["enclosed"]["date"]
    return attribution.moment(date, row.received_at)


def outer_of(child: Child, mail: Received) -> dict[str, Any]:
    """What ``abuse.evidence`` says of the mail itself; raises ``Unreadable``."""
    found = child.ask(bytes(mail.raw), channel=mail.channel)
    if found["reading"]["kind"] == "unreadable":
        raise Unreadable(found["reading"]["error"])
    outer: dict[str, Any] = found["outer"]
    return outer


def signed_by(
    child: Child,
    mail: Received,
    outer: Mapping[str, Any],
    domains: Sequence[str],
    to: str = "",
) -> bool:
    """Whether one of ``domains`` has signed the mail itself, and that it is written to us: by the
    key that is in the DNS now.  A mail to somebody else may have been passed on by anybody.

    ``outer`` is what ``outer_of`` says of it, and ``to`` the one address that counts as ours,
    where not any of them does.  Raises ``Unreadable``, and ``TryAgainLater`` where the DNS gives
    no answer.
    """
    ours = [one for one in outer["to"] if (one == to if to else purpose_of(one))]
    if not ours:
        return False
    pairs = [(d, s) for d, s in outer["signatures"] if d in domains][:2]
    keys = [[*pair, record] for pair in pairs if (record := published(*pair, LOOKUPS_OUTSIDE))]
    if not keys:
        return False
    said = child.ask(bytes(mail.raw), channel=mail.channel, outer_keys=keys)
    return bool(set(ours).intersection(said["addressed"]))


def is_uploaded(row: Received) -> bool:
    return row.channel in {Channel.WEB, Channel.API}

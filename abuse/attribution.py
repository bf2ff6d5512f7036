"""Whose mail was it, and how surely?  Decides by the evidence alone; asks nobody, writes nothing.

The levels, from the surest (``kinds.Strength``): A1 and A2 by DKIM, B by our own mark, C by what
an enrolled reporter says of an address that was ours on that day, D by nothing but claims, N when
nothing points to us, or what does is contradicted.  Names in From and envelopes prove nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_network
from typing import Any, Final

from django.utils import timezone

from abuse import trace
from abuse.kinds import Strength
from abuse.models import AddressRange, Reporter, SigningKey
from escalation import prefixes
from escalation.prefixes import Address

GRACE: Final = timedelta(days=7)  # a mail may wait in queues after its key was retired
LATE: Final = timedelta(days=30)  # that a report may come after its message
AHEAD: Final = timedelta(days=1)  # that clocks may differ


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whose mail it was.  ``tenant_id`` None with A1 to D: ours, but nobody knows whose."""

    strength: str
    why: tuple[str, ...]
    tenant_id: int | None = None
    enrolled: Reporter | None = None


@dataclass
class Known:
    """What is known of the senders and reporters that a batch of reports names."""

    domains: Mapping[str, int] = field(default_factory=dict)  # tenants by domain
    own: frozenset[str] = frozenset()  # our own domains
    keys: Mapping[tuple[str, str], Sequence[SigningKey]] = field(default_factory=dict)
    reporters: Mapping[str, Reporter] = field(default_factory=dict)
    ranges: Mapping[str, Sequence[AddressRange]] = field(default_factory=dict)  # by address
    trace_key: str = ""
    outside_keys: dict[tuple[str, str], str] = field(default_factory=dict)  # records
    looped: frozenset[str] = frozenset()  # domains outside that want copies of such reports
    unasked: set[tuple[str, str]] = field(
        default_factory=set
    )  # keys that nobody could be asked for

    def tenant_of(self, domain: str) -> int | None:
        """The tenant of the domain, or of the nearest one above it."""
        return next((self.domains[name] for name in above(domain) if name in self.domains), None)

    def is_ours(self, domain: str) -> bool:
        return any(name in self.own or name in self.domains for name in above(domain))

    def owner_of(self, domain: str) -> str:
        """The domain of ours that it is, or is below."""
        ours = (name for name in above(domain) if name in self.own or name in self.domains)
        return next(ours, domain)

    def reporter_of(self, domain: str) -> Reporter | None:
        """Who signs with exactly this domain: a name below it may be a customer's."""
        return self.reporters.get(domain)


def above(domain: str) -> list[str]:
    """The domain itself and those above it, down to two labels."""
    labels = domain.lower().rstrip(".").split(".")[-10:]
    return [".".join(labels[n:]) for n in range(max(1, len(labels) - 1))]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What ``abuse.evidence`` found in one report; ``at`` is when the message arrived, as far as
    it is known, and ``verified`` what a key has proved."""

    enclosed: Mapping[str, Any]
    source: Address | None
    at: datetime
    verified: Sequence[tuple[str, str, str]] = ()
    records: Sequence[str] = ()  # the key by which each of them is
    outer_verified: Sequence[tuple[str, str]] = ()
    proofs: Sequence[str] = ()  # the b= of each signature that is verified
    names_message: bool = False  # one of these covers the Message-ID
    received_at: datetime | None = None  # when we got the report
    outer_from: str = ""
    has_wrong_date: bool = False
    is_quoted: bool = False  # copied into words by a mail program: nothing of it can be proved

    @property
    def signed_at(self) -> datetime:
        """When a key must have been in use.  The report says when the message arrived, and may lie:
        a key that was retired long before we got it proves nothing."""
        return max(self.at, self.received_at - LATE) if self.received_at else self.at

    @property
    def from_domain(self) -> str:
        return str(self.enclosed.get("from_domain", ""))


def moment(text: str, received_at: datetime) -> tuple[datetime, bool]:
    """The date of a report as a moment; when we got it where it says none, and whether it lies."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        try:
            found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        except ValueError:
            return received_at, False
    try:
        found = (found if found.tzinfo else timezone.make_aware(found)).astimezone(UTC)
        if timedelta(days=-3650) < found - received_at < AHEAD:
            return found, False
    except (ValueError, OverflowError):
        pass
    return received_at, True


def attribute(evidence: Evidence, known: Known) -> Attribution:
    """The surest that the evidence allows."""
    enrolled = _enrolled(evidence, known)
    if evidence.is_quoted:
        return _claimed(evidence, known, enrolled)
    proofs = [
        found
        for found in (
            _by_signature(evidence, known, "A1"),
            _by_signature(evidence, known, "A2"),
            _by_trace(evidence, known),
            _by_reporter(evidence, known, enrolled),
        )
        if found is not None
    ]
    if not proofs:
        return _claimed(evidence, known, enrolled)
    # Our own signature above a tenant's does not hide whose mail it was.
    strength, tenant_id, why = next((one for one in proofs if one[1] is not None), proofs[0])
    return Attribution(strength, why, tenant_id, enrolled)


Found = tuple[str, int | None, tuple[str, ...]]


def _enrolled(evidence: Evidence, known: Known) -> Reporter | None:
    """Who signed the report, and wrote it from the mailbox that they report from: everybody with a
    mailbox there has the same signature."""
    for domain, _selector in evidence.outer_verified:
        reporter = known.reporter_of(domain)
        if reporter and evidence.outer_from and evidence.outer_from == reporter.mailbox.lower():
            return reporter
    return None


def _by_signature(evidence: Evidence, known: Known, level: str) -> Found | None:
    """The first signature of that level that says whose it is, else the first that is ours."""
    found = None
    why = "dkim" if level == "A1" else "dkim-headers"
    for (domain, selector, strength), record in zip(
        evidence.verified, evidence.records, strict=True
    ):
        if strength != level or not known.is_ours(domain):
            continue
        keys = in_time(known.keys.get((domain, selector), ()), evidence.signed_at)
        keys = [key for key in keys if key.record == record]
        if not keys:
            continue  # the key was retired long before
        tenant_id = _signer(domain, keys, evidence, known)
        found = found if found and tenant_id is None else (level, tenant_id, (why,))
        if tenant_id is not None:
            break
    return found


def in_time(keys: Sequence[SigningKey], at: datetime) -> list[SigningKey]:
    """Those of ``keys`` that could sign a message which arrived then."""
    return [key for key in keys if key.valid_until is None or at < key.valid_until + GRACE]


def _signer(
    domain: str, keys: Sequence[SigningKey], evidence: Evidence, known: Known
) -> int | None:
    """Whose signature it is.  With a domain of our own only our mark says which tenant's mail we
    signed: what tenants write in From is theirs to choose."""
    owner = next((key.tenant_id for key in keys if key.tenant_id), None)
    owner = owner or known.tenant_of(domain)
    if owner is not None:
        return owner
    return _traced(evidence, known)


def _traced(evidence: Evidence, known: Known) -> int | None:
    value = str(evidence.enclosed.get("trace", ""))
    message_id = str(evidence.enclosed.get("message_id", ""))
    if not value or not known.trace_key:
        return None
    found = trace.check(known.trace_key, value, message_id)
    return found.tenant_id if found else None


def _by_trace(evidence: Evidence, known: Known) -> Found | None:
    tenant_id = _traced(evidence, known)
    return None if tenant_id is None else (Strength.B, tenant_id, ("trace",))


def _by_reporter(evidence: Evidence, known: Known, enrolled: Reporter | None) -> Found | None:
    """An enrolled reporter names an address of ours, and the hop into their network agrees."""
    if enrolled is None or evidence.source is None or evidence.has_wrong_date:
        return None
    ranges = _ranges(evidence, known)
    entered = entry(evidence.enclosed.get("hops", ()), enrolled)
    if not ranges or entered is None or entered != str(evidence.source):
        return None
    tenant_id = ranges[0].tenant_id
    return Strength.C, tenant_id, ("reporter", "range" if tenant_id else "shared-range")


def entry(hops: Sequence[Mapping[str, Any]], reporter: Reporter) -> str | None:
    """The client of the hop by which a message entered the reporter's network, None if unknown.

    Read from the top, and no further than the first client with a public address: whoever sent
    the message could write whatever stands below, our own lines and the reporter's included.
    Names of clients are not looked at: HELO says what it likes.
    """
    for hop in hops:
        if not reporter.runs(str(hop.get("by", ""))):
            return None
        client = str(hop.get("address", ""))
        if client and prefixes.is_public(ip_network(client), documentation_too=True):
            return client
    return None


def _why_unproved(evidence: Evidence, known: Known) -> str:
    """Why a signature of ours proves nothing: for want of a key, or of one that was in time."""
    signed = [(str(d), str(s)) for d, s in evidence.enclosed.get("signatures", ())]
    keys = [key for pair in signed for key in known.keys.get(pair, ())]
    if not keys:
        return "not-asked" if known.unasked.intersection(signed) else "no-key"
    return "not-signed" if in_time(keys, evidence.signed_at) else "key-retired"


def _ranges(evidence: Evidence, known: Known) -> list[AddressRange]:
    found = known.ranges.get(str(evidence.source), ())
    return [row for row in found if row.was_valid(evidence.at)]


def _claimed(evidence: Evidence, known: Known, enrolled: Reporter | None) -> Attribution:
    """What is only said: D for whom it names, N where nothing names us, or where it cannot be."""
    signed = [str(domain) for domain, _s in evidence.enclosed.get("signatures", ())]
    ranges = _ranges(evidence, known)
    named = next((domain for domain in signed if known.is_ours(domain)), "")
    why: list[str] = ["impossible-date"] if evidence.has_wrong_date else []
    if named and not evidence.is_quoted:
        why.append(_why_unproved(evidence, known))
    if enrolled is not None and ranges:
        why.append("hops-differ")
    if not named and known.is_ours(evidence.from_domain):
        named = evidence.from_domain
    if evidence.source is not None and not ranges and named not in signed:
        return Attribution(Strength.N, (*why, "foreign-address"), None, enrolled)
    if named:
        tenant_id = known.tenant_of(named) or known.tenant_of(evidence.from_domain)
        return Attribution(Strength.D, (*why, "says-domain"), tenant_id, enrolled)
    if ranges:
        return Attribution(Strength.D, (*why, "says-address"), ranges[0].tenant_id, enrolled)
    why.append("foreign-domain" if signed else "nothing")
    return Attribution(Strength.N, tuple(why), None, enrolled)

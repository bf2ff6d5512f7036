"""Whose mail it was: what each kind of evidence is worth, and what a forger reaches."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abuse import trace
from abuse.attribution import Evidence, Known, attribute, entry, moment
from abuse.kinds import PROVED, REASONS
from abuse.models import AddressRange, Reporter, SigningKey
from escalation import prefixes

CLINIC, SCHOOL = 1, 2
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
FAR = Reporter(name="Far", domain="far.example", mailbox="fbl@far.example")
KEY = "00" * 32


def a_range(text: str, tenant: int | None, **dates: Any) -> AddressRange:
    first, last = prefixes.keys(prefixes.parse_prefix(text))
    return AddressRange(
        prefix=text, first=first, last=last, tenant_id=tenant,
        **{"valid_from": NOW - timedelta(days=365), **dates},
    )  # fmt: skip


def a_key(domain: str, tenant: int | None, **fields: Any) -> SigningKey:
    known = {"valid_from": NOW - timedelta(days=365), "record": "p=…", **fields}
    return SigningKey(domain=domain, selector="s1", tenant_id=tenant, **known)


def facts(**fields: Any) -> Known:
    return Known(
        **{
            "domains": {"clinic.example": CLINIC, "school.example": SCHOOL},
            "own": frozenset({"mail.example"}),
            "keys": {
                ("clinic.example", "s1"): [a_key("clinic.example", CLINIC)],
                ("mail.example", "s1"): [a_key("mail.example", None)],
            },
            "reporters": {"far.example": FAR},
            "ranges": {
                "192.0.2.10": [a_range("192.0.2.0/28", CLINIC)],
                "192.0.2.200": [a_range("192.0.2.128/25", None)],
            },
            "trace_key": KEY,
            **fields,
        }
    )


def found(**fields: Any) -> Evidence:
    enclosed = {
        "from_domain": "clinic.example", "message_id": "one@clinic.example", "signatures": [],
        "trace": "", "hops": [], **fields.pop("enclosed", {}),
    }  # fmt: skip
    fields.setdefault("records", ["p=…"] * len(fields.get("verified", ())))
    return Evidence(enclosed=enclosed, **{"source": None, "at": NOW, **fields})


def hop(address: str, by: str, name: str = "") -> dict[str, str]:
    return {"address": address, "by": by, "name": name, "at": ""}


def test_a_signature_that_holds_is_the_surest() -> None:
    whole = attribute(found(verified=[("clinic.example", "s1", "A1")]), facts())
    headers = attribute(found(verified=[("clinic.example", "s1", "A2")]), facts())
    assert (whole.strength, whole.tenant_id, whole.why) == ("A1", CLINIC, ("dkim",))
    assert (headers.strength, headers.tenant_id) == ("A2", CLINIC)


def test_the_better_of_two_signatures_counts() -> None:
    both = [("clinic.example", "s1", "A2"), ("clinic.example", "s1", "A1")]
    assert attribute(found(verified=both), facts()).strength == "A1"


def test_our_own_signature_above_a_tenants_does_not_hide_whose_mail_it_was() -> None:
    for level in ("A1", "A2"):
        both = [("mail.example", "s1", "A1"), ("clinic.example", "s1", level)]
        verdict = attribute(found(verified=both), facts())
        assert (verdict.strength, verdict.tenant_id) == (level, CLINIC)


def test_of_two_tenants_signatures_the_one_on_top_counts() -> None:
    keys = {
        (name, "s1"): [a_key(name, tenant)]
        for name, tenant in (("clinic.example", CLINIC), ("school.example", SCHOOL))
    }
    both = [("school.example", "s1", "A1"), ("clinic.example", "s1", "A1")]
    assert attribute(found(verified=both), facts(keys=keys)).tenant_id == SCHOOL


def test_the_key_that_held_says_whose_the_signature_is() -> None:
    keys = {
        ("clinic.example", "s1"): [
            a_key("clinic.example", SCHOOL), a_key("clinic.example", CLINIC, record="p=old")
        ]
    }  # fmt: skip
    signature = [("clinic.example", "s1", "A1")]
    for record, tenant in (("p=…", SCHOOL), ("p=old", CLINIC)):
        verdict = attribute(found(verified=signature, records=[record]), facts(keys=keys))
        assert verdict.tenant_id == tenant


def test_a_report_that_is_dated_back_makes_no_retired_key_good() -> None:
    ended = NOW - timedelta(days=60)
    keys = {("clinic.example", "s1"): [a_key("clinic.example", CLINIC, valid_until=ended)]}
    evidence = found(
        verified=[("clinic.example", "s1", "A1")], at=NOW - timedelta(days=90), received_at=NOW,
        enclosed={"signatures": [["clinic.example", "s1"]]},
    )  # fmt: skip
    verdict = attribute(evidence, facts(keys=keys))
    assert (verdict.strength, verdict.why[0]) == ("D", "key-retired")


def test_a_name_below_an_enrolled_domain_is_not_the_network() -> None:
    way = [hop("192.0.2.10", "mx.far.example")]
    below = {**_fields(enrolled("192.0.2.10", way)), "outer_verified": [("cust7.far.example", "k")]}
    assert attribute(Evidence(**below), facts()).strength == "D"


def test_a_mail_from_nobody_is_not_from_a_reporter_without_a_mailbox() -> None:
    way = [hop("192.0.2.10", "mx.far.example")]
    nobody = {**_fields(enrolled("192.0.2.10", way)), "outer_from": ""}
    blank = Reporter(name="Far", domain="far.example")
    verdict = attribute(Evidence(**nobody), facts(reporters={"far.example": blank}))
    assert (verdict.strength, verdict.enrolled) == ("D", None)


def test_a_signature_of_a_stranger_proves_nothing_about_us() -> None:
    other = found(
        verified=[("elsewhere.example", "s1", "A1")],
        enclosed={"from_domain": "elsewhere.example", "signatures": [["elsewhere.example", "s1"]]},
    )
    verdict = attribute(other, facts())
    assert (verdict.strength, verdict.why) == ("N", ("foreign-domain",))


def test_a_key_proves_nothing_from_a_week_after_its_end() -> None:
    ended = NOW - timedelta(days=6)
    keys = {("clinic.example", "s1"): [a_key("clinic.example", CLINIC, valid_until=ended)]}
    evidence = found(
        verified=[("clinic.example", "s1", "A1")],
        enclosed={"signatures": [["clinic.example", "s1"]]},
    )
    assert attribute(evidence, facts(keys=keys)).strength == "A1"
    ended = NOW - timedelta(days=8)
    keys = {("clinic.example", "s1"): [a_key("clinic.example", CLINIC, valid_until=ended)]}
    assert attribute(evidence, facts(keys=keys)).strength == "D"


def test_a_key_stays_its_tenants_when_the_domain_moves() -> None:
    moved = facts(domains={"clinic.example": SCHOOL})
    assert attribute(found(verified=[("clinic.example", "s1", "A1")]), moved).tenant_id == CLINIC


def test_with_our_own_domain_only_our_mark_says_whose_mail_we_signed() -> None:
    mark = trace.make(KEY, SCHOOL, "one@clinic.example", NOW)
    marked = found(verified=[("mail.example", "s1", "A1")], enclosed={"trace": mark})
    unmarked = found(verified=[("mail.example", "s1", "A1")])
    assert (attribute(marked, facts()).strength, attribute(marked, facts()).tenant_id) == (
        "A1",
        SCHOOL,
    )
    assert (attribute(unmarked, facts()).strength, attribute(unmarked, facts()).tenant_id) == (
        "A1",
        None,
    )


def test_a_user_of_an_enrolled_network_is_not_the_network() -> None:
    way = [hop("192.0.2.10", "mx.far.example")]
    users = Evidence(**{**_fields(enrolled("192.0.2.10", way)), "outer_from": "eve@far.example"})
    verdict = attribute(users, facts())
    assert (verdict.strength, verdict.enrolled) == ("D", None)


def test_our_mark_counts_for_the_message_that_it_was_made_for_alone() -> None:
    mark = trace.make(KEY, SCHOOL, "one@clinic.example", NOW)
    marked = attribute(found(enclosed={"trace": mark}), facts())
    copied = attribute(found(enclosed={"trace": mark, "message_id": "two@x.example"}), facts())
    assert (marked.strength, marked.tenant_id, marked.why) == ("B", SCHOOL, ("trace",))
    assert copied.strength == "D"


def enrolled(source: str, hops: list[dict[str, str]], **fields: Any) -> Evidence:
    return found(
        source=ip_address(source), outer_verified=[("far.example", "k")],
        enclosed={"hops": hops, "from_domain": ""}, outer_from="fbl@far.example", **fields,
    )  # fmt: skip


def test_an_enrolled_reporter_is_believed_where_the_way_into_their_network_agrees() -> None:
    way = [hop("10.0.0.3", "store.far.example"), hop("192.0.2.10", "mx.far.example")]
    verdict = attribute(enrolled("192.0.2.10", way), facts())
    assert (verdict.strength, verdict.tenant_id, verdict.enrolled) == ("C", CLINIC, FAR)
    assert verdict.why == ("reporter", "range")


def test_a_shared_range_is_ours_and_nobody_knows_whose() -> None:
    verdict = attribute(enrolled("192.0.2.200", [hop("192.0.2.200", "mx.far.example")]), facts())
    assert (verdict.strength, verdict.tenant_id) == ("C", None)


def test_a_range_counts_on_the_days_that_it_was_ours() -> None:
    way = [hop("192.0.2.10", "mx.far.example")]
    past = {"192.0.2.10": [a_range("192.0.2.0/28", CLINIC, valid_until=NOW - timedelta(days=1))]}
    assert attribute(enrolled("192.0.2.10", way), facts(ranges=past)).strength == "N"
    early = enrolled(
        "192.0.2.10",
        way,
    )
    early = Evidence(**{**_fields(early), "at": NOW - timedelta(days=2)})
    assert attribute(early, facts(ranges=past)).strength == "C"


def _fields(evidence: Evidence) -> dict[str, Any]:
    return {name: getattr(evidence, name) for name in evidence.__slots__}


def test_who_is_not_enrolled_only_says_so() -> None:
    evidence = found(
        source=ip_address("192.0.2.10"),
        enclosed={"hops": [hop("192.0.2.10", "mx.far.example")], "from_domain": ""},
    )
    verdict = attribute(evidence, facts())
    assert (verdict.strength, verdict.tenant_id, verdict.why) == ("D", CLINIC, ("says-address",))


@pytest.mark.parametrize(
    "way",
    [
        [hop("203.0.113.9", "mx.far.example"), hop("192.0.2.10", "mx.far.example")],
        [
            hop("203.0.113.9", "mx.far.example", "mx.far.example"),
            hop("192.0.2.10", "mx.far.example"),
        ],
        [hop("203.0.113.9", "mx.else.example"), hop("192.0.2.10", "mx.far.example")],
        [hop("192.0.2.10", "mx.far.example.evil.example")],
        [],
    ],
    ids=["forged below", "HELO as theirs", "not theirs on top", "look-alike", "no way at all"],
)
def test_a_forged_way_pins_nothing_on_a_tenant(way: list[dict[str, str]]) -> None:
    assert attribute(enrolled("192.0.2.10", way), facts()).strength not in PROVED


def test_hops_inside_the_reporters_network_are_passed_over() -> None:
    way = [hop("", "a.far.example"), hop("10.1.1.1", "b.far.example"),
           hop("203.0.113.9", "mx.far.example"), hop("192.0.2.10", "mx.far.example")]  # fmt: skip
    assert entry(way, FAR) == "203.0.113.9"


def test_a_from_line_is_a_claim_and_a_contradicted_one_is_not_ours() -> None:
    assert attribute(found(), facts()).strength == "D"
    spoofed = attribute(found(source=ip_address("203.0.113.9")), facts())
    assert (spoofed.strength, spoofed.why, spoofed.tenant_id) == ("N", ("foreign-address",), None)


def test_a_quoted_message_is_never_more_than_a_claim() -> None:
    mark = trace.make(KEY, SCHOOL, "one@clinic.example", NOW)
    quoted = found(
        is_quoted=True, enclosed={"trace": mark}, verified=[("clinic.example", "s1", "A1")]
    )
    assert attribute(quoted, facts()).strength == "D"


def test_nothing_that_points_to_us_is_not_ours() -> None:
    stranger = found(enclosed={"from_domain": "elsewhere.example"})
    assert attribute(stranger, facts()).why == ("nothing",)


texts = st.sampled_from(
    ["", "clinic.example", "mail.example", "x.clinic.example", "192.0.2.10", "mx.far.example",
     "v1.1.1.abc", "one@clinic.example", "203.0.113.9", "\x00", "é"]
)  # fmt: skip


@given(
    domain=texts, message_id=texts, mark=texts,
    signed=st.lists(st.tuples(texts, texts), max_size=3),
    way=st.lists(
        st.builds(hop, st.sampled_from(["", "192.0.2.10", "10.0.0.1"]), texts), max_size=4
    ),
    source=st.sampled_from([None, ip_address("192.0.2.10"), ip_address("203.0.113.9")]),
)  # fmt: skip
def test_whatever_is_forged_without_a_proof_pins_nothing(
    domain: str, message_id: str, mark: str, signed: Any, way: Any, source: Any
) -> None:
    enclosed = {"from_domain": domain, "message_id": message_id, "trace": mark,
                "signatures": [list(pair) for pair in signed], "hops": way}  # fmt: skip
    verdict = attribute(found(enclosed=enclosed, source=source), facts())
    assert verdict.strength in {"D", "N"}
    assert set(verdict.why) <= set(REASONS)


@pytest.mark.parametrize(
    ("text", "expected", "lies"),
    [
        ("Thu, 26 Nov 2026 08:00:00 +0000", NOW - timedelta(hours=1), False),
        ("2026-11-26T08:00:00Z", NOW - timedelta(hours=1), False),
        ("Thu, 26 Nov 2026 08:00:00", NOW - timedelta(hours=1), False),
        ("", NOW, False),
        ("yesterday", NOW, False),
        ("Thu, 26 Nov 2099 08:00:00 +0000", NOW, True),
        ("Thu, 01 Jan 1970 00:00:00 +0000", NOW, True),
    ],
)
def test_dates_are_read_as_they_come(text: str, expected: datetime, lies: bool) -> None:
    assert moment(text, NOW) == (expected, lies)

"""The fields of a report as people and programs write them."""

import pytest

from abuse.fields import Feedback
from abuse.reading import read
from tests.abuse.test_reading import FIELDS, arf

JUNK_ID = "junk-1@school.example"


def bent(old: str, new: str) -> bytes:
    """A report by the standard with one place of it written in another way."""
    raw = arf()
    assert old.encode() in raw
    return raw.replace(old.encode(), new.encode(), 1)


def told(name: str, *written: str) -> Feedback:
    """What a report says whose field of this name is written so, or several times so."""
    [line] = [line for line in FIELDS.splitlines() if line.startswith(f"{name}:")]
    found = read(bent(line, "\n".join(f"{name}:{value}" for value in written)))
    assert (found.kind, found.format, found.message_id) == ("feedback", "arf", JUNK_ID)
    return found.feedback


@pytest.mark.parametrize(
    "written",
    [
        "192.0.2.40:48211", "[192.0.2.40]", "[192.0.2.40]:48211", '"192.0.2.40"', "<192.0.2.40>",
        "(192.0.2.40)", "mx.school.example [192.0.2.40]", "192.0.2.40,198.51.100.4",
        "::ffff:192.0.2.40",
    ],
)  # fmt: skip
def test_an_address_is_read_without_what_is_around_it(written: str) -> None:
    assert told("Source-IP", written).source_address == "192.0.2.40"


@pytest.mark.parametrize(
    "written",
    [
        "[2001:db8::25]:2525",
        "[IPv6:2001:db8::25]:2525",
        "IPV6:2001:DB8::25",
        "[ipv6:2001:db8::25]",
        "2001:0DB8:0:0:0:0:0:25",
    ],
)
def test_an_address_of_version_6_may_have_its_tag_in_any_case(written: str) -> None:
    assert told("Source-IP", written).source_address == "2001:db8::25"


@pytest.mark.parametrize(
    ("name", "attribute", "first", "second"),
    [
        ("Source-IP", "source_address", "", "192.0.2.41"),
        ("Source-IP", "source_address", " unknown", "192.0.2.41"),
        ("Source-IP", "source_address", " 999.0.2.1", "192.0.2.41"),
        ("Original-Mail-From", "original_mail_from", " ", "kim@school.example"),
        ("Feedback-Type", "feedback_type", "", "fraud"),
        ("Arrival-Date", "arrival_date", "", "Wed, 25 Nov 2026 09:00:00 +0000"),
    ],
)
def test_a_field_that_says_nothing_leaves_it_to_the_next(
    name: str, attribute: str, first: str, second: str
) -> None:
    assert getattr(told(name, first, second), attribute) == second


PATHS = [
    "sean.o'brien@school.example",
    "bounce:77:a@school.example",
    "b." + "a1" * 70 + "@school.example",
    "{a}|b!c#d$%&*?^`~@school.example",
    "a/eu+x=y@school.example",
    "sales@[192.0.2.40]",
    "5d41402abc4b2a76b9719d911017c592",  # what was put in the place of an address
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_kept_whole_whatever_its_characters(path: str) -> None:
    assert told("Original-Mail-From", f"Sales <{path}> (known)").original_mail_from == path
    assert told("Original-Mail-From", f" {path}").original_mail_from == path
    assert told("Original-Rcpt-To", f" {path}").original_rcpt_to == (path,)


@pytest.mark.parametrize(
    "written",
    [
        "<@relay.example:sales@school.example>",
        "<@one.example,@two.example:sales@school.example>",
        "School Sales <sales@school.example>",
        "<sales@school.example> (verified)",
        "<sales@school.example> SIZE=1022 BODY=8BITMIME",
        "rfc822;sales@school.example",
        "sales@school.example;",
    ],
)
def test_a_path_is_read_without_its_route_its_type_and_remarks(written: str) -> None:
    assert told("Original-Mail-From", written).original_mail_from == "sales@school.example"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("<a@x.example> (one, two), <b@x.example>", ("a@x.example", "b@x.example")),
        ("<a@x.example>,\n\t<b@x.example>", ("a@x.example", "b@x.example")),
        ("a@x.example; b@x.example, a@x.example", ("a@x.example", "b@x.example")),
        ('"a, b"@x.example, c@x.example', ('"a, b"@x.example', "c@x.example")),
        ("rfc822; a@x.example, rfc822; b@x.example", ("a@x.example", "b@x.example")),
    ],
)
def test_recipients_in_one_field_are_several(written: str, expected: tuple[str, ...]) -> None:
    assert told("Original-Rcpt-To", written).original_rcpt_to == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a.example, b.example (from DKIM)", ("a.example", "b.example")),
        ("a.example; b.example", ("a.example", "b.example")),
        ("dns; A.Example.", ("a.example",)),
        ("http://a.example./", ("a.example",)),
        ("https://kim@a.example:8443/x", ("a.example",)),
        ("@a.example", ("a.example",)),
        ('"A.example"', ("a.example",)),
        ("_spf.a.example", ("_spf.a.example",)),
        ("http://a.example/u/@kim", ("a.example",)),
        ("http://a.example/b,c;d, b.example", ("a.example", "b.example")),
        ("*.a.example", ("*.a.example",)),
        ("학교.example", ("학교.example",)),
        ("-", ()),
    ],
)
def test_a_domain_is_read_as_it_is_written(written: str, expected: tuple[str, ...]) -> None:
    assert told("Reported-Domain", written).reported_domain == expected


@pytest.mark.parametrize(
    "written", ["DNS ; mx.a.example (Postfix)", "x-local-host; mx.a.example", "mx.a.example"]
)
def test_a_server_is_read_without_its_type_and_remarks(written: str) -> None:
    assert told("Reporting-MTA", written).reporting_mta == "mx.a.example"


@pytest.mark.parametrize(
    "written",
    ["Fraud (pressed by the reader)", "(junk) fraud", "fraud (a (b) c)", '"fraud"', "fraud; x=1"],
)
def test_a_token_is_read_without_comments_quotes_and_parameters(written: str) -> None:
    found = told("Feedback-Type", f"{written}\nAuth-Failure: {written}")

    assert (found.feedback_type, found.auth_failure) == ("fraud", "fraud")

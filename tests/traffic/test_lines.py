"""What lines of logs come to; and that no line stops the reading."""

import json
from datetime import UTC, datetime

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests.traffic import lines
from traffic.events import MAX_EMAIL, MAX_LINE, Event
from traffic.logs import FORMATS, postfix

NINE = datetime(2026, 11, 25, 9, 0, 0, tzinfo=UTC)


def read(text: str, kind: str = "postfix") -> list[Event]:
    reader = FORMATS[kind]()
    events = (reader(line) for line in text.encode().splitlines(keepends=True))
    return [event for event in events if event is not None]


def test_a_refusal_names_client_sender_recipient_and_listing() -> None:
    (event,) = read(lines.refused(listing=77))

    assert str(event.address) == "198.51.100.25"
    assert event.is_refused
    assert (event.sender, event.recipient) == ("accounts@bank.example", "dana@clinic.example")
    assert (event.recipient_domain, event.listing) == ("clinic.example", 77)
    assert event.at.replace(microsecond=0) == NINE


def test_a_refusal_by_dns_and_an_ipv6_client_are_read() -> None:
    with time_machine.travel(NINE):
        (event,) = read(lines.by_dns("2001:db8::25"))

    assert str(event.address) == "2001:db8::25"
    assert (event.sender, event.listing, event.at) == ("", 0, NINE)


def test_postscreen_names_the_client_with_a_port(settings: Settings) -> None:
    settings.POSTERN_LOG_MARKS = ["bl.mail.example"]
    (event,) = read(
        "2026-11-25T09:00:00+00:00 mx1 postfix/postscreen[3]: NOQUEUE: reject: RCPT from "
        "[198.51.100.25]:4711: 550 5.7.1 Service unavailable; client [198.51.100.25] blocked "
        "using bl.mail.example; from=<a@b.example>, to=<dana@clinic.example>, proto=ESMTP, "
        "helo=<x>\n"
    )

    assert str(event.address) == "198.51.100.25"
    assert event.recipient == "dana@clinic.example"


def test_refusals_for_other_reasons_are_not_ours() -> None:
    other = lines.refused().replace(lines.URL, "https://other.example")

    assert read(other) == []


@pytest.mark.parametrize(
    ("sender", "helo"),
    [("a@b.example", f"{lines.URL}/"), (f'"{lines.URL}/"@b.example', "x"),
     (f'"; from=<{lines.URL}/ (L1)"@b.example', "x")],
)  # fmt: skip
def test_a_client_cannot_pass_another_refusal_off_as_ours(sender: str, helo: str) -> None:
    assert read(lines.for_another_reason(sender, helo)) == []


def test_a_refusal_by_a_milter_in_our_words_is_ours() -> None:
    (event,) = read(lines.by_milter("198.51.100.25"))

    assert event.is_refused
    assert (str(event.address), event.recipient) == ("198.51.100.25", "dana@clinic.example")


def test_mail_to_an_alias_counts_for_the_domain_that_was_written_to() -> None:
    for alias, domain in (("dana@clinic.example", "clinic.example"), ("root", "store.example")):
        line = lines.accepted(recipient="u17@store.example").replace(
            "to=<u17@store.example>", f"to=<u17@store.example>, orig_to=<{alias}>"
        )
        (event,) = read(line)
        assert event.recipient_domain == domain


def test_mail_of_our_own_people_is_not_mail_that_a_listing_would_refuse() -> None:
    line = lines.accepted().replace("[192.0.2.7]\n", "[192.0.2.7], sasl_username=dana\n")

    assert read(lines.accepted().splitlines(keepends=True)[0] + line) == []


def test_an_accepted_mail_counts_for_the_client_of_its_queue_id() -> None:
    (event,) = read(lines.accepted())

    assert not event.is_refused
    assert (str(event.address), event.recipient_domain) == ("192.0.2.7", "clinic.example")


def test_what_a_filter_gives_back_is_no_mail_of_a_client() -> None:
    assert read(lines.accepted("127.0.0.1")) == []


def test_only_the_latest_queue_ids_are_kept_in_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postfix, "MOST_QUEUED", 2)
    begun, done = [], []
    for n in range(3):
        first, *rest = lines.accepted(queue=f"AAAAAA{n}").splitlines(keepends=True)
        begun.append(first)
        done += rest

    assert len(read("".join(begun + done))) == 2


@pytest.mark.parametrize(
    ("sender", "recipient"),
    [
        ('" to=<eve@school.example>"@x.example', "dana@clinic.example"),
        ('"; from=<a@b> to=<eve@school.example>"@x.example', "dana@clinic.example"),
        ("a@b.example", '"> to=<eve@school.example"@clinic.example'),
    ],
)
def test_a_client_cannot_pass_its_mail_off_as_mail_to_somebody_else(
    sender: str, recipient: str
) -> None:
    (event,) = read(lines.refused(sender=sender, recipient=recipient))

    assert event.recipient_domain == "clinic.example"


def test_a_line_full_of_look_alikes_takes_no_time() -> None:
    sender = '"' + "; from=<> to=<> proto=" * 300 + '"@x.example'

    events = read(lines.refused(sender=sender) * 50)  # a pattern would take minutes

    assert {event.recipient_domain for event in events} == {"clinic.example"}


def test_dates_without_a_year_are_the_latest_that_have_been() -> None:
    line = lines.by_dns("198.51.100.25").replace("Nov 25", "Dec 31")

    with time_machine.travel(datetime(2027, 1, 1, 0, 5, tzinfo=UTC)):
        (event,) = read(line)

    assert event.at == datetime(2026, 12, 31, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "stamp",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2999-12-31T00:00:00+00:00"],
)
def test_dates_that_cannot_be_are_passed_over(stamp: str) -> None:
    assert read(lines.refused(stamp=stamp)) == []


def test_a_json_line_says_the_same() -> None:
    told = {
        "time": "2026-11-25T18:00:00+09:00", "client": "198.51.100.25", "action": "refused",
        "sender": "A@Bank.example", "recipient": "dana@병원.example", "listing": 5,
    }  # fmt: skip
    (event,) = read(json.dumps(told) + "\n", "json")

    assert event.at == NINE
    assert event.sender == "a@bank.example"
    assert event.recipient_domain == "xn--om3bw6p.example"
    assert event.listing == 5


@pytest.mark.parametrize(
    "said",
    ['{"action": "refused"}', "[1]", '{"action":', "{" * 5000, '{"action":"refused","time":1}',
     '{"time":"2026-11-25T09:00:00Z","action":"refused","client":"999.1.1.1"}', '"x"',
     '{"action":[]}', '{"action":{}}',
     '{"time":"0001-01-01T00:00:00+14:00","action":"refused","client":"198.51.100.25"}',
     '{"time":"9999-12-31T23:59:59-14:00","action":"refused","client":"198.51.100.25"}',
     '{"time":"2999-12-31T00:00:00Z","action":"refused","client":"198.51.100.25"}'],
)  # fmt: skip
def test_json_that_says_nothing_is_passed_over(said: str) -> None:
    assert read(said + "\n", "json") == []


def test_lines_and_addresses_that_are_too_long_are_passed_over() -> None:
    assert read(lines.refused(sender="a" * MAX_LINE + "@b.example")) == []
    (event,) = read(lines.refused(sender="a" * MAX_EMAIL + "@b.example"))
    assert event.sender == ""


@given(st.binary(max_size=600), st.sampled_from(sorted(FORMATS)))
def test_no_line_stops_the_reading(line: bytes, kind: str) -> None:
    FORMATS[kind]()(line)


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=40))
def test_no_refusal_stops_the_reading(sender: str, recipient: str, address: str) -> None:
    for line in lines.refused(address, sender=sender, recipient=recipient).splitlines():
        FORMATS["postfix"]()(line.encode("utf-8", "surrogatepass"))

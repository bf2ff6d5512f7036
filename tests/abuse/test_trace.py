"""Our mark holds for the tenant and the message that it was made for, and nobody else makes it."""

import hashlib
import hmac
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import example, given
from hypothesis import strategies as st

from abuse import trace
from abuse.tracing import trace_key

KEY = "0f" * 32
AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
SECOND = 1_795_683_600
MARK = trace.make(KEY, 12, "one@clinic.example", AT)


def test_a_mark_is_what_the_mail_server_computes() -> None:
    said = hmac.new(b"\x0f" * 32, f"v1.12.{SECOND}.one@clinic.example".encode(), hashlib.sha256)
    assert f"v1.12.{SECOND}.{said.hexdigest()[:32]}" == MARK


def test_a_mark_says_whose_it_is_and_when_it_was_made() -> None:
    for value in (MARK, f" {MARK}\r\n"):
        for message_id in ("one@clinic.example", "<one@clinic.example>", " <one@clinic.example> "):
            assert trace.check(KEY, value, message_id) == trace.Trace(12, AT)


@given(
    tenant=st.integers(0, 999_999_999_999),
    message_id=st.text(max_size=80),
    at=st.datetimes(datetime(1970, 1, 2), datetime(9000, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
@example(tenant=1, message_id="\ud800", at=AT)
def test_whatever_is_marked_is_found_again(tenant: int, message_id: str, at: datetime) -> None:
    mark = trace.make(KEY, tenant, message_id, at)
    assert trace.check(KEY, mark, message_id) == trace.Trace(tenant, at.replace(microsecond=0))


@pytest.mark.parametrize("other", ["two@clinic.example", "", "one@clinic.examples", "ONE@clinic"])
def test_a_mark_proves_nothing_on_another_message(other: str) -> None:
    assert trace.check(KEY, MARK, other) is None


def test_a_mark_proves_nothing_for_another_tenant_or_time_or_key() -> None:
    for forged in (
        MARK.replace("v1.12.", "v1.13."),
        MARK.replace("v1.12.", "v1.012."),
        MARK.replace(str(SECOND), str(SECOND + 1)),
        MARK.replace("v1.", "v2."),
    ):
        assert forged != MARK
        assert trace.check(KEY, forged, "one@clinic.example") is None
    assert trace.check("f0" * 32, MARK, "one@clinic.example") is None


@given(st.integers(0, len(MARK) - 1))
def test_a_mark_that_is_cut_proves_nothing(length: int) -> None:
    assert trace.check(KEY, MARK[:length], "one@clinic.example") is None


@given(st.integers(0, len(MARK) - 1), st.characters())
def test_a_mark_with_another_letter_proves_nothing(at: int, letter: str) -> None:
    changed = MARK[:at] + letter + MARK[at + 1 :]
    if changed != MARK:
        assert trace.check(KEY, changed, "one@clinic.example") is None


@given(st.text(), st.text())
@example("v1.١.1." + "0" * 32, "x")
@example("v1." + "9" * 12 + "." + "9" * 12 + "." + "0" * 32, "x")
def test_no_text_raises_or_is_a_mark(value: str, message_id: str) -> None:
    assert trace.check(KEY, value, message_id) is None


def test_a_mark_of_a_year_that_no_calendar_has_is_none() -> None:
    stem = "v1.12.999999999999"
    mac = hmac.new(b"\x0f" * 32, f"{stem}.x".encode(), hashlib.sha256).hexdigest()[:32]
    assert trace.check(KEY, f"{stem}.{mac}", "x") is None


def test_the_command_prints_the_key_alone_and_beside_it_what_it_is_for() -> None:
    out, err = io.StringIO(), io.StringIO()
    call_command("trace-key", stdout=out, stderr=err)
    assert out.getvalue() == f"{trace_key()}\n"
    assert trace.check(out.getvalue(), trace.make(trace_key(), 1, "x", AT), "x")
    assert "CFBL-Feedback-ID" in err.getvalue()
    assert trace_key() not in err.getvalue()


def test_the_key_is_of_one_installation(settings: Any) -> None:
    before = trace_key()
    settings.SECRET_KEY = "another one, long enough for whoever checks it"
    assert trace_key() != before
    assert len(bytes.fromhex(before)) == 32

"""What Korean readers get: dates in their order, names of fields, and Django's own titles."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.template import Context, Template
from django.utils import translation

from escalation import moments
from listings.models import Listing
from ownership.models import Request

NOON = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)  # a Thursday


@pytest.fixture(autouse=True)
def korean() -> Iterator[None]:
    with translation.override("ko"), time_machine.travel(NOON, tick=False):
        yield


@pytest.mark.parametrize(
    ("ago", "relative", "short"),
    [
        (timedelta(seconds=20), "방금", "11:59"),
        (timedelta(minutes=1), "1분 전", "11:59"),
        (timedelta(days=2), "2일 전", "화요일 12:00"),
        (timedelta(days=30), "4주 전", "2월\xa010일"),
        (timedelta(days=900), "2년 전", "2023년 9월\xa024일"),
        (timedelta(minutes=-5), "5분 뒤", "12:05"),
        (timedelta(days=-14), "14일 뒤", "3월\xa026일"),
    ],
)
def test_moments_in_words(ago: timedelta, relative: str, short: str) -> None:
    assert moments.relative(NOON - ago) == relative
    assert moments.short(NOON - ago) == short


def test_the_exact_moment_goes_from_the_year_to_the_minute() -> None:
    assert moments.exact(NOON) == "2026년 3월\xa012일 목요일 12:00 UTC"
    assert moments.day(NOON) == "2026년 3월\xa012일"


def test_whose_turn_and_since_when() -> None:
    row = {"party": "owner", "text": "소유자 답변 대기", "since": NOON - timedelta(days=2)}
    said = Template("{% turn row %}").render(Context({"row": row}))

    assert "</span></time>부터 (2일 전)." in said


def test_django_writes_24_hours_as_we_do() -> None:
    assert Template("{{ at|date:'DATETIME_FORMAT' }}").render(Context({"at": NOON})) == (
        "2026년 3월 12일 12:00"
    )


def test_fields_have_their_own_name_or_the_one_they_share() -> None:
    assert Listing._meta.get_field("source").verbose_name == "출처"  # its own
    assert Listing._meta.get_field("state").verbose_name == "상태"
    assert Request._meta.get_field("sent_at").verbose_name == "발송"


def test_titles_of_djangos_own_desk_read_well() -> None:
    assert translation.gettext("View %s") % "등재" == "등재 보기"

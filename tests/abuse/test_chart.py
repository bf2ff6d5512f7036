"""The bars of the last days: what they count, how they are drawn, what they say."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.template.loader import render_to_string
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from abuse import chart, queries
from abuse.models import Incident, Voice
from abuse.queries import Day
from customers.models import Tenant
from tests.abuse.factories import make_incident


def hear(incident: Incident, days_ago: int, *, proved: int = 0, claims: int = 0) -> None:
    day = timezone.now().date() - timedelta(days=days_ago)
    start = Voice.objects.count()
    Voice.objects.bulk_create(
        Voice(
            tenant=incident.tenant, incident=incident, day=day, reporter=f"{start + n}",
            is_proved=n < proved,
        )
        for n in range(proved + claims)
    )  # fmt: skip


def made(*counts: tuple[int, int]) -> list[Day]:
    return [Day(date(2026, 11, 1) + timedelta(days=n), *pair) for n, pair in enumerate(counts)]


@pytest.mark.django_db
def test_thirty_days_are_counted_in_one_query_the_oldest_first(
    clinic: Tenant, django_assert_num_queries: Callable[..., Any]
) -> None:
    incident = make_incident(clinic)
    hear(incident, 0, proved=2, claims=1)
    hear(incident, 29, proved=1)
    hear(incident, 30, proved=7)

    with django_assert_num_queries(1):
        days = queries.days(incident=incident)

    assert len(days) == 30
    assert [day.day for day in days] == sorted(day.day for day in days)
    assert days[-1] == Day(timezone.now().date(), 2, 1)
    assert (days[0].proved, days[0].claims) == (1, 0)
    assert sum(day.proved + day.claims for day in days) == 4


@pytest.mark.django_db
def test_a_tenants_days_are_those_of_all_its_incidents_and_of_no_other_tenant(
    clinic: Tenant, school: Tenant
) -> None:
    hear(make_incident(clinic), 1, proved=1)
    hear(make_incident(clinic, feedback_class="fraud"), 1, claims=2)
    hear(make_incident(school), 1, proved=9)

    assert queries.days(tenant=clinic)[-2] == Day(days_ago(1), 1, 2)


def days_ago(n: int) -> date:
    return timezone.now().date() - timedelta(days=n)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=30))
def test_every_bar_stands_inside_the_drawing_and_whoever_was_heard_is_seen(
    counts: list[tuple[int, int]],
) -> None:
    drawn = chart.chart(made(*counts))
    for bar in drawn.bars:
        assert 0 <= bar.claims_y <= bar.proved_y <= drawn.height
        assert bar.proved_y + bar.proved_height == drawn.height
        assert bar.claims_y + bar.claims_height == bar.proved_y
        assert (bar.proved_height > 0) == (bar.day.proved > 0)
        assert 0 <= bar.x < drawn.width


def test_one_report_is_no_wall() -> None:
    drawn = chart.chart(made((1, 0), (0, 0)))
    assert drawn.bars[0].proved_height == drawn.height // 4


def test_the_chart_is_well_formed_without_style_or_script_and_says_what_it_shows() -> None:
    with translation.override("en"):
        drawn = chart.chart(made((0, 0), (3, 1), (1, 0)))
        text = render_to_string("abuse/chart.html", {"chart": drawn})
    root = ElementTree.fromstring(text)  # noqa: S314 -- our own
    svg = next(iter(root.iter("svg")))
    assert svg.attrib["role"] == "img"
    named = {each.attrib.get("id"): each.text for each in svg.iter() if "id" in each.attrib}
    assert set(svg.attrib["aria-labelledby"].split()) == set(named)
    assert named["chart-desc"] == "Proved: 4. Unproved: 1. Most on one day: 4, on 2 November."
    assert "style" not in text
    assert "<script" not in text
    items = [item.text for item in root.iter("li")]
    assert items == ["2 November: 3 proved, 1 unproved", "3 November: 1 proved, 0 unproved"]


def test_a_quiet_month_is_said_in_words() -> None:
    with translation.override("en"):
        text = render_to_string("abuse/chart.html", {"chart": chart.chart(made(*[(0, 0)] * 30))})
    assert "Nobody has reported anything in these 30 days." in text
    assert "<li>" not in text

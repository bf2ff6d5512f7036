"""Tallies are kept for a while."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.traffic.factories import make_tally
from traffic import counting
from traffic.models import Tally

pytestmark = pytest.mark.django_db


def test_old_tallies_are_forgotten_and_a_bounded_number_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.POSTERN_TRAFFIC_DAYS = 10
    monkeypatch.setattr(counting, "AT_ONCE", 2)
    for n in range(3):
        make_tally(f"198.51.100.{n}", refused=1, at=timezone.now() - timedelta(days=12))
    make_tally("198.51.100.9", refused=1, at=timezone.now() - timedelta(days=8))

    assert (counting.forget(), counting.forget(), counting.forget()) == (2, 1, 0)
    assert Tally.objects.get().shown == "198.51.100.9"

"""Numbered pages of a table of any size."""

import pytest
from django.contrib.sessions.models import Session
from django.core.paginator import EmptyPage
from django.utils import timezone

from escalation import paging
from escalation.paging import UncountedPaginator


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(paging, "MOST", 10)
    return 10


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("n", "count", "has_more"), [(0, 0, False), (10, 10, False), (25, 10, True)]
)
def test_it_counts_no_further_than_it_leafs(most: int, n: int, count: int, has_more: bool) -> None:
    for number in range(n):
        Session.objects.create(session_key=f"{number:02}", expire_date=timezone.now())

    pages = UncountedPaginator(Session.objects.order_by("-session_key"), 4)

    assert (pages.count, pages.has_more) == (count, has_more)
    if n == 25:
        assert pages.num_pages == 3
        assert [one.session_key for one in pages.page(1)] == ["24", "23", "22", "21"]
        assert [one.session_key for one in pages.page(3)] == ["16", "15"]
        with pytest.raises(EmptyPage):
            pages.page(4)


def test_a_list_will_do(most: int) -> None:
    assert UncountedPaginator(list(range(25)), 4).count == 10

"""Numbered pages, as the Django admin has them, of a table of any size."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

MOST = 1000  # rows that can be leafed through; beyond them, search


class UncountedPaginator(Paginator[Any]):
    """Counts no further than ``MOST`` rows, however many there are.

    ``count`` is then ``MOST``, and ``has_more`` tells that there are others.
    For an admin list, with ``show_full_result_count = False``.
    """

    @cached_property
    def _n_found(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[: MOST + 1].count()
        return len(rows[: MOST + 1])

    @cached_property
    def count(self) -> int:
        return min(self._n_found, MOST)

    @property
    def has_more(self) -> bool:
        return self._n_found > MOST

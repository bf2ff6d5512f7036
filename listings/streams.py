"""Many rows past the object layer, out of the database: the fastest way that each has."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from listings import cells
from listings.cells import Cell
from listings.models import ENFORCED, Listing, ListingException

DATES = ("listed_at", "expires_at")


def lines(statement: str, values: Sequence[Any]) -> Iterator[bytes]:
    """The rows of a SELECT, one at a time: columns as text, with tabs between them.

    No column may be null, or hold a tab, a backslash or a line end.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY ({statement}) TO STDOUT", values) as rows:
                for row in rows:
                    yield bytes(row)[:-1]
        else:
            cursor.execute(statement, values)
            for row in cursor:
                yield "\t".join(map(str, row)).encode()


def read(family: int, *, dated: bool) -> Iterator[Cell]:
    """Every cell of a family that has a listing, in order; in bounded memory."""
    where, values = "family = %s", [family]
    name = itemgetter(slice(0, cells.NAME[family]))
    for cell, rows in groupby(lines(*_question(where, values, dated)), name):
        yield Cell(cell.decode("ascii"), list(rows))


def read_one(cell: str, *, dated: bool) -> Cell:
    """One cell, as the database has it now."""
    where, values = (
        "family = %s AND first BETWEEN %s AND %s",
        [
            cells.family_of(cell),
            *cells.keys_in(cell),
        ],
    )
    return Cell(cell, list(lines(*_question(where, values, dated))))


def _question(where: str, values: Sequence[Any], dated: bool) -> tuple[str, list[Any]]:
    """What ``Cell`` is made of: see there for columns and order."""
    states = ", ".join(["%s"] * len(ENFORCED))
    dates = "".join(f", COALESCE(CAST({name} AS varchar(40)), '')" for name in DATES if dated)
    statement = f"""
        SELECT first, after, prefix, reason_class, id{dates} FROM {Listing._meta.db_table}
        WHERE state IN ({states}) AND {where}
        UNION ALL
        SELECT first, after, prefix, '', listing_id{", '', ''" if dated else ""}
        FROM {ListingException._meta.db_table} WHERE ended_at IS NULL AND {where}
        ORDER BY first, after DESC, reason_class"""  # noqa: S608 -- our own names; values are parameters
    return statement, [*ENFORCED, *values, *values]

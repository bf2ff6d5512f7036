"""Many rows past the object layer, out of the database: the fastest way that each has."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection
from psycopg import ClientCursor, OperationalError
from psycopg.pq import ExecStatus

from listings import cells
from listings.cells import Cell
from listings.models import ENFORCED, Listing, ListingException

IPV4 = b"0" * cells.NAME[6]  # how every key of the family begins, and none of public IPv6
DATES = ("listed_at", "expires_at")


def lines(statement: str, values: Sequence[Any]) -> Iterator[bytes]:
    """The rows of a SELECT, a line each: columns as text, with tabs between them.

    No column may be null, or hold a tab, a backslash or a line end.
    """
    read_all = _copied if connection.vendor == "postgresql" else _selected
    return read_all(statement, values)


def _selected(statement: str, values: Sequence[Any]) -> Iterator[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        for row in cursor:
            yield ("\t".join(map(str, row)) + "\n").encode()


def _copied(statement: str, values: Sequence[Any]) -> Iterator[bytes]:
    """The same by COPY, through libpq itself: psycopg's own loop takes as long as all our work.

    What is left unread when the caller stops is read and dropped, so that the
    connection can be used again.
    """
    connection.ensure_connection()
    question = ClientCursor(connection.connection).mogrify(f"COPY ({statement}) TO STDOUT", values)
    link = connection.connection.pgconn
    with connection.wrap_database_errors:
        if link.exec_(question.encode()).status != ExecStatus.COPY_OUT:
            raise OperationalError(link.get_error_message())
        next_row = link.get_copy_data
        length, row = next_row(0)
        try:
            while length > 0:
                yield bytes(row)
                length, row = next_row(0)
        finally:
            while length > 0:
                length, row = next_row(0)
            while (result := link.get_result()) is not None:
                if result.status == ExecStatus.FATAL_ERROR:
                    raise OperationalError(link.get_error_message())


def read(*, dated: bool) -> Iterator[Cell]:
    """Every cell that has a listing, IPv4 first, in order; in bounded memory and one statement."""
    name, some = b"", list[bytes]()
    for row in lines(*_question("TRUE", [], dated)):
        # By hand: ``groupby`` twice, as names differ in length, takes half as long again.
        if not row.startswith(name) or not some:
            if some:
                yield Cell(name.decode("ascii"), some)
            name = row[: cells.NAME[4] if row.startswith(IPV4) else cells.NAME[6]]
            some = []
        some.append(row)
    if some:
        yield Cell(name.decode("ascii"), some)


def read_one(cell: str, *, dated: bool) -> Cell:
    """One cell, as the database has it now."""
    values = [cells.family_of(cell), *cells.keys_in(cell)]
    question = _question("family = %s AND first BETWEEN %s AND %s", values, dated)
    return Cell(cell, list(lines(*question)))


def _question(where: str, values: Sequence[Any], dated: bool) -> tuple[str, list[Any]]:
    """What ``Cell`` is made of: see there for columns and order."""
    states = ", ".join(["%s"] * len(ENFORCED))
    dates = "".join(f", COALESCE(CAST({name} AS varchar(40)), '')" for name in DATES if dated)
    # By bytes, as ``Cell`` compares, whatever the locale of the database; and that is quicker.
    by_bytes = ' COLLATE "C"' if connection.vendor == "postgresql" else ""
    statement = f"""
        SELECT * FROM (
        SELECT first, after, prefix, reason_class, id{dates} FROM {Listing._meta.db_table}
        WHERE state IN ({states}) AND {where}
        UNION ALL
        SELECT first, after, prefix, '', listing_id{", '', ''" if dated else ""}
        FROM {ListingException._meta.db_table} WHERE ended_at IS NULL AND {where}) AS both_kinds
        ORDER BY first{by_bytes}, after{by_bytes} DESC, reason_class"""  # noqa: S608 -- our own names; values are parameters
    return statement, [*ENFORCED, *values, *values]

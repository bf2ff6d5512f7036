"""The rows of a file beside the list, so that a million of them are compared and brought in by
statements, past the object layer, whose cost is tenfold."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from escalation.actors import Actor
from listings.lifecycle import Event, State
from listings.models import Listing, ListingEntry

TABLE = "listings_arriving"
COLUMNS = {
    "prefix": "varchar(49)",
    "family": "smallint",
    "first": "varchar(32)",
    "after": "varchar(32)",
    "length": "smallint",
    "reason_class": "varchar(20)",
    "source": "varchar(100)",
    "evidence": "text",
    "listed_at": "timestamp with time zone",
    "expires_at": "timestamp with time zone",
}
NAMES = ", ".join(COLUMNS)
BATCH = 5000  # rows sent at once
LISTINGS, ENTRIES = Listing._meta.db_table, ListingEntry._meta.db_table
# A live listing of the same prefix: there is at most one (listings_one_live).
SAME = f"a.prefix = l.prefix AND l.state <> '{State.REMOVED.value}'"

Values = Sequence[Any]


@contextmanager
def staged(rows: Iterable[Values]) -> Iterator[None]:
    """Keep ``rows`` (values in the order of ``COLUMNS``) in a table of this transaction.

    No two may have the same prefix.
    """
    kinds = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {TABLE} ({kinds})")
        _fill(cursor, rows)
        cursor.execute(f"ANALYZE {TABLE}")
        yield
        cursor.execute(f"DROP TABLE {TABLE}")


def _fill(cursor: Any, rows: Iterable[Values]) -> None:
    if connection.vendor == "postgresql":
        with cursor.copy(f"COPY {TABLE} ({NAMES}) FROM STDIN") as copy:
            for some in _batches("\t".join(map(_copied, row)) for row in rows):
                copy.write("\n".join([*some, ""]))
        return
    marks = ", ".join(["%s"] * len(COLUMNS))
    for some in _batches(rows):
        values = [[_stored(value) for value in row] for row in some]
        cursor.executemany(f"INSERT INTO {TABLE} ({NAMES}) VALUES ({marks})", values)


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    some: list[Any] = []
    for row in rows:
        some.append(row)
        if len(some) == BATCH:
            yield some
            some = []
    yield some


def _copied(value: Any) -> str:
    """A value in COPY's text format."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.replace("\\", "\\\\") if "\\" in value else value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value


def n_known() -> int:
    """How many staged prefixes have a live listing."""
    return int(_one(f"SELECT count(*) FROM {TABLE} a JOIN {LISTINGS} l ON {SAME}"))


def _one(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def waiting() -> list[int]:
    """Keys of the listings of staged prefixes that are live and not enforced."""
    return _keys(
        f"SELECT l.id FROM {TABLE} a JOIN {LISTINGS} l ON {SAME} WHERE l.state <> %s ORDER BY l.id",
        [State.ACTIVE.value],
    )


def _keys(statement: str, values: Values) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [key for (key,) in cursor.fetchall()]


def missing(source: str) -> list[int]:
    """Keys of the enforced listings of ``source`` that are not staged."""
    return _keys(
        f"SELECT l.id FROM {LISTINGS} l WHERE l.source = %s AND l.state = %s AND NOT EXISTS "
        f"(SELECT 1 FROM {TABLE} a WHERE a.prefix = l.prefix) ORDER BY l.id",
        [source, State.ACTIVE.value],
    )


def later_expiries() -> list[tuple[int, datetime, datetime]]:
    """Key, expiry and the staged expiry of the listings that would live longer."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT l.id, l.expires_at, a.expires_at FROM {TABLE} a "
            f"JOIN {LISTINGS} l ON {SAME} WHERE a.expires_at > l.expires_at ORDER BY l.id"
        )
        return [(key, _moment(until), _moment(wished)) for key, until, wished in cursor.fetchall()]


def _moment(value: str | datetime) -> datetime:
    """A moment as a bare cursor gives it: SQLite's has no zone, and may be text; it is in UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def bring_in(actor: Actor) -> int:
    """List what is staged and not listed yet, with its history as ``advance`` would leave it.

    Return how many were made.  What somebody else lists at this moment stays theirs.
    """
    now = _stored(timezone.now())
    who = actor.user.pk if actor.user else None
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {LISTINGS} ({NAMES}, hits, state, state_since) "
            f"SELECT {NAMES}, 0, %s, %s FROM {TABLE} a WHERE NOT EXISTS "
            f"(SELECT 1 FROM {LISTINGS} l WHERE {SAME}) ON CONFLICT DO NOTHING",
            [State.ACTIVE.value, now],
        )
        n_made = int(cursor.rowcount)
        # What has been made here is what has no history yet.
        cursor.execute(
            f"INSERT INTO {ENTRIES} (subject_id, event, source, target, role, user_id, note, key, "
            f"happened_at) SELECT l.id, %s, %s, %s, %s, CAST(%s AS bigint), '', '', %s "
            f"FROM {TABLE} a JOIN {LISTINGS} l ON {SAME} WHERE NOT EXISTS "
            f"(SELECT 1 FROM {ENTRIES} e WHERE e.subject_id = l.id)",
            [
                Event.ACTIVATE.value, State.PENDING.value, State.ACTIVE.value, actor.role.value,
                who, now,
            ],
        )  # fmt: skip
    return n_made

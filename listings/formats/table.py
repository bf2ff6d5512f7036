"""CSV with a heading: ``prefix`` and any of the other columns."""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import StringIO

from django.utils.dateparse import parse_date, parse_datetime

from escalation.errors import Refused
from escalation.prefixes import parse_prefix
from listings.formats.rows import Bad, Row, cleaned
from listings.models import Listing, ReasonClass

COLUMNS = ["prefix", "reason_class", "source", "listed_at", "expires_at", "evidence"]


def read(lines: Iterable[str]) -> Iterator[Row | Bad]:
    table = csv.DictReader(lines)
    heading = [name.strip().lower() for name in table.fieldnames or []]
    strange = sorted(set(heading) - set(COLUMNS))
    if "prefix" not in heading or strange:
        words = f"unknown columns {', '.join(strange)}; " if strange else ""
        yield Bad(1, f"{words}the first line must name columns out of: {', '.join(COLUMNS)}.")
        return
    table.fieldnames = heading
    while True:
        try:
            fields = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            yield Bad(table.line_num, f"not CSV: {error}.")
            continue
        yield _row(table.line_num, fields)


def _row(number: int, fields: dict[str | None, str | list[str] | None]) -> Row | Bad:
    if None in fields:
        return Bad(number, "more fields than the heading has.")
    text = {str(name): str(value or "").strip() for name, value in fields.items()}
    reason_class = text.get("reason_class", "")
    if reason_class and reason_class not in ReasonClass.values:
        known = ", ".join(ReasonClass.values)
        return Bad(number, f"“{reason_class}” is not a reason class; there are: {known}.")
    try:
        return Row(
            number,
            parse_prefix(text["prefix"]),
            reason_class=reason_class,
            source=cleaned(text.get("source", ""))[:100],
            evidence=cleaned(text.get("evidence", "")),
            listed_at=_moment(text.get("listed_at", "")),
            expires_at=_moment(text.get("expires_at", "")),
        )
    except Refused as refusal:
        return Bad(number, refusal.message)
    except ValueError as error:
        return Bad(number, str(error))


def _moment(text: str) -> datetime | None:
    """A moment as ISO 8601 writes it, or a day; UTC where it does not say."""
    if not text:
        return None
    moment = parse_datetime(text)
    if moment is None:
        if (day := parse_date(text)) is None:
            raise ValueError(f"“{text[:40]}” is not a date: write 2026-01-31 or 2026-01-31T08:00Z.")
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def write() -> Iterator[str]:
    """Each enforced listing with its facts; exceptions have no column here."""
    yield ",".join(COLUMNS)
    rows = Listing.objects.enforced().order_by("family", "first", "length")
    for fields in rows.values_list(*COLUMNS).iterator(chunk_size=5000):
        line = StringIO()
        csv.writer(line, lineterminator="").writerow(_told(field) for field in fields)
        yield line.getvalue()


def _told(field: object) -> str:
    if isinstance(field, datetime):
        return field.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return "" if field is None else str(field)

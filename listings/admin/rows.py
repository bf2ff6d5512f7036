"""What every list of the desk does with the rows that an agent has ticked."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import ngettext

from escalation.errors import Refused

ByAgent = Callable[[Any], object]


def one_by_one(
    desk: admin.ModelAdmin[Any],
    request: HttpRequest,
    rows: "QuerySet[Any]",
    act: ByAgent,
    done: str,
) -> None:
    """Do ``act`` on each row, say each refusal, and keep an entry of each that was done."""
    n_done = 0
    for row in rows:
        try:
            act(row)
        except Refused as refusal:
            desk.message_user(request, f"{row}: {refusal.message}", messages.ERROR)
        else:
            n_done += 1
            desk.log_change(request, row, done)
    if n_done:
        words = ngettext("%(n)d row: %(done)s.", "%(n)d rows: %(done)s.", n_done)
        desk.message_user(request, words % {"n": n_done, "done": done}, messages.SUCCESS)

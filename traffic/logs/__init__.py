"""Reading logs: what a line means, and which lines are new."""

from collections.abc import Callable

from traffic.events import Event
from traffic.logs import jsonlines, postfix

# A reader takes one line after another and may remember; ``None`` is a line that says nothing here.
Reader = Callable[[bytes], Event | None]
FORMATS: dict[str, Callable[[], Reader]] = {"postfix": postfix.reader, "json": jsonlines.reader}

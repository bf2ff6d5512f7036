"""Where something stands, as its page shows it: a line of stations, and whose turn it is."""

from datetime import datetime
from typing import TypedDict


class Station(TypedDict):
    """``state`` is done, now, halt or later; ``when`` a moment, words or None."""

    label: str
    when: datetime | str | None
    state: str
    party: str


class Turn(TypedDict):
    """The one line under the stations."""

    party: str
    yours: bool
    text: str
    since: datetime
    small: str

"""The policy table as it comes: by reason class, for the first, second, third listing in 30 days.

The desk changes it row by row; these are the defaults of the product.
"""

from typing import Any, Final

from delisting.models import LAST, Rule, Way
from listings.models import ReasonClass

WAIT_HOURS: Final = 24
# While an address waits its mail goes on being refused, and each refusal is logged: so many of
# them are people who write, not a machine that sends.
HITS_WHILE_WAITING: Final = 50

_SELF: Final = {"way": Way.SELF}
_WAIT: Final = {"way": Way.WAIT, "wait_hours": WAIT_HOURS, "hits_allowed": HITS_WHILE_WAITING}
_NAMES: Final = {"way": Way.SELF, "names_agree": True}

_ROWS: Final[dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]] = {
    ReasonClass.AUTOMATIC: (_SELF, _WAIT, {"way": Way.AGENT}),
    ReasonClass.TRAP: (_SELF, {"way": Way.AGENT}, {"way": Way.STATEMENT}),
    ReasonClass.POLICY: (_NAMES, _NAMES, {"way": Way.AGENT}),
    ReasonClass.RANGE: ({"way": Way.OWNER},) * 3,
    ReasonClass.MANUAL: ({"way": Way.TWO_AGENTS},) * 3,
    ReasonClass.TENANT: ({"way": Way.TENANT},) * 3,
}
DEFAULTS: Final[dict[tuple[str, int], dict[str, Any]]] = {
    (str(kind), nth): row
    for kind, rows in _ROWS.items()
    for nth, row in zip((1, 2, LAST), rows, strict=True)
}


def default_rule(reason_class: str, nth: int) -> Rule:
    """The row as it comes, not saved; raises ``KeyError`` for what no table has."""
    return Rule(reason_class=reason_class, nth=nth, **DEFAULTS[reason_class, nth])

"""The ladder of one inquiry, and what the plan asks for now; nothing here writes."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ownership import asking, queries
from ownership.models import Inquiry, Rung
from ownership.verdicts import Word, word_of

LADDER: Final = frozenset({Rung.Why.FIRST, Rung.Why.PARENT, Rung.Why.NEXT})


@dataclass
class Ladder:
    """The rungs of one inquiry, and what the plan asks for now."""

    inquiry: Inquiry
    now: datetime
    rungs: list[Rung] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rungs = queries.rungs_of(self.inquiry)

    @property
    def words(self) -> list[Word]:
        told = (rung for rung in self.rungs if rung.why != Rung.Why.NOTICE)
        return [word_of(rung, self.inquiry.prefix) for rung in told]

    @property
    def begun_at(self) -> datetime | None:
        return min((rung.opened_at for rung in self.rungs), default=None)

    def passed(self, which: int) -> bool:
        """Whether that day of the plan has come."""
        begun = self.begun_at
        return begun is not None and begun + asking.days(which) <= self.now

    @property
    def is_over(self) -> bool:
        return self.passed(-1)

    @property
    def missing(self) -> int:
        """How many more contacts the plan wants asked by now.

        One for each that failed, and one for each day of the plan that has
        come; none where agents have chosen the contact themselves.
        """
        if not self.rungs:
            return 1
        if any(rung.why == Rung.Why.BY_HAND for rung in self.rungs):
            return 0
        climbed = [rung for rung in self.rungs if rung.why in LADDER]
        at_first = sum(rung.opened_at == self.begun_at for rung in climbed)
        # Whoever calls this has found no verdict: a yes that is there proves too little.
        failed = sum(word in {Word.NOTHING, Word.CONFIRMED} for word in self.words)
        return max(0, failed + self.passed(1) + self.passed(2) - (len(climbed) - at_first))

    @property
    def wants_parent(self) -> bool:
        """Whether the plan has come to the parent network and nobody there was asked."""
        network = self.inquiry.network_id
        return self.passed(2) and all(rung.request.network_id == network for rung in self.rungs)

    @property
    def is_waiting(self) -> bool:
        return Word.WAITING in self.words

    def next_days(self) -> list[datetime]:
        begun = self.begun_at
        return [begun + asking.days(which) for which in (1, 2, 3)] if begun else []

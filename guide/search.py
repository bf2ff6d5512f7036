"""Search over the guide and the codes, in memory: a few hundred texts, no service.

A query is taken for a code first (``550-5.7.606``, ``5,7,606``, ``AS(1430)``), then for words.
Words match by their letters in threes, so that a slip of the finger still finds.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from guide import codes
from guide.codes import Entry
from guide.pages import Page, all_pages

LONGEST: Final = 200  # characters of a query that are read
MOST_WORDS: Final = 12
MOST_FOUND: Final = 20
ALIKE: Final = 0.5  # of the threes of a word that must be in another
TITLE: Final = 3.0  # a word of the title counts as so many of the text

_WORD: Final = re.compile(r"[\w가-힣]+")
_CODE: Final = re.compile(
    r"(?<![\d.])([245])[.,\- ]{1,2}(\d{1,3})[.,\- ]{1,2}(\d{1,3})(?![\dA-Za-z]|[.,]\d)"
)
_LOOKALIKES: Final = str.maketrans("oOlI", "0011")


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found: a page of the guide, or an entry of the codes."""

    score: float
    page: Page | None = None
    entry: Entry | None = None


@dataclass(slots=True)
class Index:
    """Words of all texts in one language, and which threes of letters they have."""

    texts: list[Hit] = field(default_factory=list)
    words: dict[str, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    threes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, hit: Hit, title: str, text: str) -> None:
        number = len(self.texts)
        self.texts.append(hit)
        counted: dict[str, float] = defaultdict(float, Counter(_words(text)))
        for word in _words(title):
            counted[word] += TITLE
        for word, n in counted.items():
            self.words[word][number] = min(n, 2 * TITLE)
            for three in _threes(word):
                self.threes[three].add(word)

    def like(self, word: str) -> dict[str, float]:
        """The words that are ``word`` or nearly so, with how alike they are (1 is the same)."""
        if word in self.words:
            return {word: 1.0}
        own = _threes(word)
        shared = Counter(other for three in own for other in self.threes.get(three, ()))
        near = {other: 2 * n / (len(own) + len(_threes(other))) for other, n in shared.items()}
        return {other: alike for other, alike in near.items() if alike >= ALIKE}


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if len(word) > 1]


def _threes(word: str) -> set[str]:
    padded = f" {word} "
    return {padded[i : i + 3] for i in range(max(1, len(padded) - 2))}


def find(query: str, language: str) -> list[Hit]:
    """What fits ``query`` best, the best first, at most ``MOST_FOUND``."""
    text = query[:LONGEST].strip()
    exact = [Hit(100.0, entry=entry) for entry in by_code(text)]
    by_words = _by_words(text, index(tuple(all_pages(language).values()), language))
    known = {hit.entry.id for hit in exact if hit.entry}
    rest = [hit for hit in by_words if not (hit.entry and hit.entry.id in known)]
    return (exact + rest)[:MOST_FOUND]


def by_code(text: str) -> list[Entry]:
    """Entries whose code or mark the query has, also with the usual slips."""
    found: dict[str, Entry] = {}
    for spelled in dict.fromkeys([text, text.translate(_LOOKALIKES)]):
        for match in _CODE.finditer(spelled):
            for entry in codes.named(".".join(match.groups())):
                found.setdefault(entry.id, entry)
    squeezed = codes.slug_of(text).replace("-", "").replace(".", "")
    for entry in codes.entries():
        marks = (codes.slug_of(name).replace("-", "").replace(".", "") for name in entry.names)
        if any(
            mark and (mark == squeezed or (len(mark) > 4 and mark in squeezed)) for mark in marks
        ):
            found.setdefault(entry.id, entry)
    return list(found.values())


def code_in(text: str) -> str:
    """The enhanced status code that a query means, as its page's address has it; "" for none."""
    match = _CODE.search(text) or _CODE.search(text.translate(_LOOKALIKES))
    return ".".join(match.groups()) if match else ""


def _by_words(text: str, over: Index) -> list[Hit]:
    scores: dict[int, float] = defaultdict(float)
    matched: Counter[int] = Counter()
    asked = list(dict.fromkeys(_words(text)))[:MOST_WORDS]
    for word in asked:
        best: dict[int, float] = {}
        for other, alike in over.like(word).items():
            rarity = 1 / (1 + len(over.words[other]) / 20)
            for number, n in over.words[other].items():
                best[number] = max(best.get(number, 0.0), n * alike * rarity)
        for number, score in best.items():
            scores[number] += score
            matched[number] += 1
    ranked = sorted(scores, key=lambda number: (-matched[number], -scores[number], number))
    least = (len(asked) + 1) // 2
    return [over.texts[number] for number in ranked if matched[number] >= least]


@lru_cache(maxsize=4)
def index(pages: tuple[Page, ...], language: str) -> Index:
    """The index over these pages and all entries: made anew when a page has changed."""
    made = Index()
    for page in pages:
        made.add(Hit(0.0, page=page), f"{page.title} {page.slug}", page.text)
    for entry in codes.entries():
        said = entry.texts[language]
        names = " ".join([entry.said_by, *entry.names, *entry.words, *entry.codes])
        made.add(
            Hit(0.0, entry=entry), f"{said.title} {names}", f"{said.means} {' '.join(said.steps)}"
        )
    return made

"""A reader of reports for tests: some mails take it for ever."""

from typing import Any

from abuse import evidence


def answer(raw: bytes, question: dict[str, Any]) -> dict[str, Any]:
    """What ``abuse.evidence`` says; of a mail that begins so, nothing within any time."""
    while raw.startswith(b"X-For-Ever:"):
        pass
    return evidence.answer(raw, question)

"""Proof of work on forms without an account: the visitor's machine works for a second, we do not.

The challenge and its check are altcha's; the solver is in ``static/postern.js``.  Whoever has no
script leaves the field empty and comes under a narrower limit instead.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Final

import altcha
from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from escalation.limits import Limit, TooOften, first_time

ALGORITHM: Final = "PBKDF2/SHA-256"
COST: Final = 2000  # rounds of one try; 256 tries are needed on average
PREFIX: Final = "00"
LASTS: Final = timedelta(minutes=30)
LONGEST: Final = 4000  # characters of a solution

WITH_PROOF: Final = Limit("ask", most=20, seconds=3600)
WITHOUT_PROOF: Final = Limit("ask-unproved", most=6, seconds=3600)
WITHOUT_PROOF_ALL: Final = Limit("ask-unproved-all", most=120, seconds=3600)


def challenge() -> str:
    """A fresh challenge as JSON, for the form."""
    made = altcha.create_challenge(
        ALGORITHM, COST, key_prefix=PREFIX, hmac_secret=_secret(),
        expires_at=datetime.now(UTC) + LASTS,
    )  # fmt: skip
    return json.dumps(made.to_dict())


def admit(solution: str, visitor: str) -> None:
    """Let a request pass, or raise ``TooOften`` with words: each solution counts once."""
    if solution and is_solved(solution):
        WITH_PROOF.take(visitor)
        return
    try:
        WITHOUT_PROOF.take(visitor)
        WITHOUT_PROOF_ALL.take("all")
    except TooOften as refusal:
        raise TooOften(
            refusal.message
            + " "
            + _(
                "With scripts turned on, your browser does a second of work instead, and you may "
                "go on. Or write to %(postmaster)s from any mailbox."
            )
            % {"postmaster": settings.POSTERN_POSTMASTER}
        ) from refusal


def is_solved(solution: str) -> bool:
    """Whether this is a solution of a challenge of ours that has not been used."""
    if len(solution) > LONGEST:
        return False
    try:
        result = altcha.verify_solution(solution, _secret())
        if not result.verified:
            return False
        nonce = altcha.Payload.from_base64(solution).challenge.parameters.nonce
    except Exception:  # noqa: BLE001 -- a stranger's bytes in a library's hands
        return False
    return first_time(f"work:{nonce}", datetime.now(UTC) + 2 * LASTS)


def _secret() -> bytes:
    return salted_hmac("delisting.work", "altcha", algorithm="sha256").digest()

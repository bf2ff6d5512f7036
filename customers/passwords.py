"""The link that lets somebody set a new password, without a row that would let others."""

from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.http import base36_to_int, int_to_base36

from customers.models import User
from mailroom import tokens


class ResetTokens(PasswordResetTokenGenerator):
    """Tokens ``<time>-<secret>``, where the secret can be derived again from ``link_key``.

    A letter stores the key, never the token.  As with Django's own tokens,
    the key changes when the password changes or the person logs in.
    """

    def make_token(self, user: User) -> str:
        moment = int_to_base36(self._num_seconds(self._now()))
        return f"{moment}-{tokens.token(self.link_key(user, moment))}"

    def check_token(self, user: User | None, token: str | None) -> bool:
        """Whether ``token`` was made for ``user``, is unused, and is not too old."""
        moment, _, secret = (token or "").partition("-")
        if user is None or not secret:
            return False
        try:
            age = self._num_seconds(self._now()) - base36_to_int(moment)
        except ValueError:
            return False
        expected = tokens.token(self.link_key(user, moment))
        fresh = 0 <= age <= settings.PASSWORD_RESET_TIMEOUT
        return constant_time_compare(secret, expected) and fresh

    def link_key(self, user: Any, moment: str) -> str:
        """What the secret is derived from: the person's state, hashed, and the time."""
        state = self._make_hash_value(user, base36_to_int(moment))
        return f"reset:{user.pk}:{moment}:{salted_hmac('postern.reset', state).hexdigest()}"

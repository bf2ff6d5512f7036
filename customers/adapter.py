"""Where allauth's pages meet our rules: no open sign-up, and letters instead of mails."""

import uuid
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from customers.models import User
from customers.passwords import ResetTokens
from escalation import languages
from mailroom.actions import write

RESET = "account/email/password_reset_key"
# What happened to an account, for the letter that tells its holder.
CHANGES = {
    "account/email/password_changed": _("Your password was changed."),
    "account/email/password_set": _("A password was set."),
    "account/email/password_reset": _("Your password was set anew with a link from our letter."),
    "mfa/email/totp_activated": _("An authenticator app was added as second factor."),
    "mfa/email/totp_deactivated": _("The authenticator app was removed as second factor."),
    "mfa/email/recovery_codes_generated": _("New recovery codes were made."),
}


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by invitation only; see ``customers.actions.accept_invitation``."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def post_login(self, request: HttpRequest, user: User, **more: Any) -> HttpResponse:
        """Speak the person's language, unless this browser has chosen another."""
        response: HttpResponse = super().post_login(request, user, **more)
        if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            languages.remember(response, user.language)
        return response

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write a letter; raises ``KeyError`` for an occasion that we have none for."""
        if template_prefix == RESET:
            self._write_reset(context["user"], context["key"])
        else:
            self._write_change(email, template_prefix, context)

    def _write_reset(self, user: User, token: str) -> None:
        moment, number = token.partition("-")[0], uuid.uuid4().hex
        write(
            key=f"reset:{number}",
            kind="password_reset",
            recipient=user.email,
            language=user.language,
            template="customers/email/reset",
            context={"person": user},
            link_path=f"/account/password/reset/key/{_uid(user)}-{moment}-{{token}}/",
            link_key=ResetTokens().link_key(user, moment),
        )

    def _write_change(self, email: str, occasion: str, context: dict[str, Any]) -> None:
        user = User.objects.get(email__iexact=email)
        write(
            key=f"account:{uuid.uuid4().hex}",
            kind="account_changed",
            recipient=user.email,
            language=user.language,
            template="customers/email/changed",
            context={
                "change": CHANGES[occasion],
                "address": context["ip"],
                "when": context["timestamp"],
            },
        )


def _uid(user: User) -> str:
    """The person's key as allauth spells it in the link."""
    from_allauth: str = user_pk_to_url_str(user)
    return from_allauth

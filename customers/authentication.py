"""How a program shows that it acts for a tenant: ``Authorization: Bearer pk_…``."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from customers import keys
from customers.models import ApiKey, Membership, Scope, User

if TYPE_CHECKING:  # the views' module reads the settings, which name this one
    from rest_framework.views import APIView

NOTED_AGAIN_AFTER = timedelta(minutes=1)
WRONG = _("This API key is not valid: it is mistyped, revoked or expired. Make a new one.")


class KeyAuthentication(BaseAuthentication):
    """An API key in the Authorization header (RFC 6750, section 2.1)."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """Return the key's maker and the key; None if the header speaks of no key.

        Raises ``AuthenticationFailed`` for a key that is unknown, expired or
        revoked, or whose maker is no longer an active member.
        """
        words = get_authorization_header(request).decode("latin-1").split()
        if not words or words[0].lower() != "bearer":
            return None
        key = _live_key(words[1]) if len(words) == 2 else None
        if key is None:
            raise AuthenticationFailed(WRONG)
        _note_use(key)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="postern"'


def _live_key(text: str) -> ApiKey | None:
    key = ApiKey.objects.select_related("user").filter(prefix=keys.prefix_of(text)).first()
    if not keys.matches(text, key.digest if key else "") or key is None:
        return None
    if key.status != "live" or not key.user.is_active:
        return None
    still_member = Membership.objects.filter(user=key.user_id, tenant=key.tenant_id).exists()
    return key if still_member else None


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_AGAIN_AFTER)
    if key.last_used_at is None or key.last_used_at < now - NOTED_AGAIN_AFTER:
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


class HasScope(BasePermission):
    """Whether the key reaches this far: reading and writing are scopes of their own.

    People with a session have every scope.
    """

    message = _("This API key lacks the scope that this request needs.")

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.auth, ApiKey):
            return True
        needed = Scope.READ if request.method in SAFE_METHODS else Scope.WRITE
        return needed in request.auth.scopes

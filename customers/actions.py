"""What can be done to tenants, their members and their keys.  Every write goes through here."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import keys
from customers.models import ApiKey, Invitation, Membership, Tenant, User
from escalation.actors import Actor, Role
from escalation.errors import Refused
from mailroom import tokens
from mailroom.actions import write

INVITATION_LASTS = timedelta(days=7)
MOST_OPEN_INVITATIONS = 50  # of one tenant: we are nobody's bulk mailer
MOST_A_DAY = 100  # invitations of one tenant, withdrawn ones too: each is a letter
MOST_TO_ONE_ADDRESS = 3  # of them
MOST_LIVE_KEYS = 20  # of one tenant

STAFF = frozenset({Role.AGENT, Role.DESK})
Kind = Membership.Kind


class NotYours(Refused):
    """The act is for the tenant's admins, or for the operator."""

    code = "not-yours"
    status = 403
    title = gettext_lazy("This is for somebody else to do")


class LastAdmin(Refused):
    """A tenant without an admin could do nothing any more."""

    code = "last-admin"
    title = gettext_lazy("A tenant needs an admin")


class InvitationOver(Refused):
    """The invitation was accepted, withdrawn, or is too old."""

    code = "invitation-over"
    status = 404
    title = gettext_lazy("This invitation is over")


def _require_admin(tenant_id: int, actor: Actor) -> None:
    own = actor.role is Role.ADMIN and actor.tenant_id == tenant_id
    if not own and actor.role not in STAFF:
        raise NotYours(_("Only admins of your organisation do this: ask one of them."))


def _person(actor: Actor) -> User:
    if actor.user is None:
        raise TypeError("this needs a person, not the desk")
    return actor.user


def _locked(tenant_id: int) -> Tenant:
    """The tenant's row, locked: its members and keys change one at a time."""
    return Tenant.objects.select_for_update().get(pk=tenant_id)


# -- Members ----------------------------------------------------------------------


def invite(tenant: Tenant, actor: Actor, *, email: str, kind: str, language: str) -> Invitation:
    """Ask the holder of ``email`` by letter to become a member.

    An open invitation to the same address is withdrawn.  ``actor`` must be a
    person.  Raises ``NotYours``, and ``Refused`` for a member or too many
    open invitations.
    """
    _require_admin(tenant.pk, actor)
    email = email.strip().lower()
    with transaction.atomic():
        _locked(tenant.pk)
        if tenant.memberships.filter(user__email=email).exists():
            raise Refused(_("%s is a member already.") % email, field="email")
        _check_letters(tenant, email)
        waiting = tenant.invitations.open()
        waiting.filter(email=email).update(withdrawn_at=timezone.now())
        if waiting.count() >= MOST_OPEN_INVITATIONS:
            raise Refused(_("Too many invitations are open: withdraw some, or wait for answers."))
        return _write_invitation(tenant, actor, email=email, kind=kind, language=language)


def _check_letters(tenant: Tenant, email: str) -> None:
    today = tenant.invitations.filter(invited_at__gt=timezone.now() - timedelta(days=1))
    if today.filter(email=email).count() >= MOST_TO_ONE_ADDRESS:
        raise Refused(
            _("We have written to %s often enough today: try again tomorrow.") % email,
            field="email",
        )
    if today.count() >= MOST_A_DAY:
        raise Refused(_("Too many invitations were sent today: send the rest tomorrow."))


def _write_invitation(tenant: Tenant, actor: Actor, **fields: str) -> Invitation:
    key = f"invitation:{uuid.uuid4().hex}"
    invitation: Invitation = tenant.invitations.create(
        token_digest=tokens.digest(tokens.token(key)),
        invited_by=_person(actor),
        expires_at=timezone.now() + INVITATION_LASTS,
        **fields,
    )
    write(
        key=key,
        kind="invitation",
        recipient=invitation.email,
        language=invitation.language,
        template="customers/email/invitation",
        context={"invitation": invitation},
        link_path="/account/invitation/{token}/",
        link_key=key,
    )
    return invitation


def withdraw_invitation(invitation: Invitation, actor: Actor) -> None:
    """Make the letter's link useless; harmless when it is useless already."""
    _require_admin(invitation.tenant_id, actor)
    rows = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None)
    rows.update(withdrawn_at=timezone.now())


def accept_invitation(
    invitation: Invitation,
    user: User | None = None,
    *,
    name: str = "",
    password: str = "",
    language: str = "",
) -> Membership:
    """Make ``user``, or a new user with that name and password, a member.

    Exactly one of two simultaneous calls takes effect.  Raises
    ``InvitationOver``, and ``Refused`` if an account with the invited address
    exists and ``user`` is not given.
    """
    with transaction.atomic():
        rows = Invitation.objects.select_for_update().select_related("tenant")
        found = rows.open().filter(pk=invitation.pk).first()
        if found is None:
            raise InvitationOver(_("This invitation is over: ask for a new one."))
        user = user or _new_user(found, name=name, password=password, language=language)
        place, _made = Membership.objects.get_or_create(
            user=user, tenant=found.tenant, defaults={"kind": found.kind}
        )
        found.accepted_at = timezone.now()
        found.save(update_fields=["accepted_at"])
    return place


def _new_user(invitation: Invitation, *, name: str, password: str, language: str) -> User:
    try:
        with transaction.atomic():
            return User.objects.create_user(
                invitation.email,
                password,
                name=name.strip(),
                language=language or invitation.language,
            )
    except IntegrityError:
        raise Refused(
            _("There is an account for %s already: sign in to accept.") % invitation.email
        ) from None


def change_kind(membership: Membership, kind: str, actor: Actor) -> None:
    """Make a member an admin, or an admin a member; raises ``LastAdmin``, ``NotYours``."""
    _require_admin(membership.tenant_id, actor)
    with transaction.atomic():
        _reread(membership)
        if kind != Kind.ADMIN:
            _require_another_admin(membership)
        membership.kind = kind
        membership.save(update_fields=["kind"])


def remove_member(membership: Membership, actor: Actor) -> None:
    """Take somebody out of the tenant, with their keys; raises ``LastAdmin``, ``NotYours``."""
    _require_admin(membership.tenant_id, actor)
    with transaction.atomic():
        _reread(membership)
        _require_another_admin(membership)
        own = ApiKey.objects.filter(tenant=membership.tenant_id, user=membership.user_id)
        own.filter(revoked_at=None).update(revoked_at=timezone.now())
        membership.delete()


def _reread(membership: Membership) -> None:
    _locked(membership.tenant_id)
    try:
        membership.refresh_from_db()
    except Membership.DoesNotExist:
        raise Refused(_("They are no longer a member.")) from None


def _require_another_admin(membership: Membership) -> None:
    others = Membership.objects.filter(tenant=membership.tenant_id, kind=Kind.ADMIN)
    if membership.kind == Kind.ADMIN and not others.exclude(pk=membership.pk).exists():
        raise LastAdmin(_("This is the last admin: make somebody else an admin first."))


# -- Keys and domains -----------------------------------------------------------------


def create_key(
    tenant: Tenant,
    actor: Actor,
    *,
    label: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key for the API; the text returned is kept nowhere and shown once.

    ``actor`` must be a person: the key acts for them.
    """
    _require_admin(tenant.pk, actor)
    prefix, text = keys.make()
    with transaction.atomic():
        _locked(tenant.pk)
        if tenant.api_keys.live().count() >= MOST_LIVE_KEYS:
            raise Refused(_("There are too many keys: revoke those that nobody uses."))
        key: ApiKey = tenant.api_keys.create(
            user=_person(actor),
            label=label.strip(),
            prefix=prefix,
            digest=keys.digest(text),
            scopes=sorted(scopes),
            expires_at=expires_at,
        )
    return key, text


def revoke_key(key: ApiKey, actor: Actor) -> None:
    """Make a key useless at once and for ever; harmless the second time."""
    _require_admin(key.tenant_id, actor)
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())

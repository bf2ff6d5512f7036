"""Who asks: users, tenants, members, domains, keys."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from escalation.actors import Actor, Role
from mailroom.recipients import domain_name


class UserManager(BaseUserManager["User"]):
    """Makes users, who log in by e-mail."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        fields |= {"is_staff": True, "is_superuser": True, "level": 3}
        return self.create_user(email, password, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account: a tenant's member, an agent, or the operator."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    language = models.CharField(_("language"), max_length=5, default="en")
    is_staff = models.BooleanField(_("agent"), default=False)
    level = models.PositiveSmallIntegerField(
        _("level"), default=1, help_text=_("The agent's level, 1 to 3.")
    )
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [models.UniqueConstraint(Lower("email"), name="customers_one_user_per_email")]

    def __str__(self) -> str:
        return self.name or self.email

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """Addresses differ in more than capitals; forms call this before they save."""
        return super().normalize_username(username).strip().lower()

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)


class TenantQuerySet(models.QuerySet["Tenant"]):
    def visible_to(self, actor: Actor) -> "TenantQuerySet":
        """Tenants that ``actor`` may know of: all for agents, else the one they act for."""
        if actor.role in {Role.AGENT, Role.DESK}:
            return self.all()
        return self.none() if actor.tenant_id is None else self.filter(pk=actor.tenant_id)


class Tenant(models.Model):
    """A customer organisation of the operator."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return self.name

    def has_recipient(self, email: str) -> bool:
        """Whether ``email`` is in one of the tenant's mail domains."""
        name = domain_name(email.rpartition("@")[2].strip())
        return bool(name) and self.domains.filter(name=name).exists()


class MembershipQuerySet(models.QuerySet["Membership"]):
    def for_list(self) -> "MembershipQuerySet":
        return self.select_related("user").order_by("joined_at", "pk")


class Membership(models.Model):
    """A person's place in a tenant."""

    class Kind(models.TextChoices):
        ADMIN = "admin", _("admin")
        MEMBER = "member", _("member")

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="memberships")
    kind = models.CharField(_("role"), max_length=10, choices=Kind.choices, default=Kind.MEMBER)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["user", "tenant"], name="customers_one_membership"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["admin", "member"]), name="customers_known_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.tenant}"

    def actor(self) -> Actor:
        """The person in this place, as an actor."""
        return Actor(Role(self.kind), self.user, self.tenant_id)


class Domain(models.Model):
    """A mail domain of a tenant, in lower case and A-label form (RFC 5890)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="domains")
    name = models.CharField(_("domain"), max_length=253, unique=True)

    class Meta:
        verbose_name = _("domain")
        verbose_name_plural = _("domains")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.clean()
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Bring the name to its one form, before it is compared with the others'."""
        name = domain_name(self.name.strip().rstrip("."))
        if not name:
            raise ValidationError(
                {"name": _("This is no domain name: write it as clinic.example.")}
            )
        self.name = name


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> "InvitationQuerySet":
        """Invitations that can still be accepted."""
        return self.filter(
            accepted_at=None,
            withdrawn_at=None,
            expires_at__gt=timezone.now(),
        )


class Invitation(models.Model):
    """A letter that asks somebody to become a member.  Ends by use, by word or by age."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail address"))
    kind = models.CharField(
        _("role"), max_length=10, choices=Membership.Kind.choices, default=Membership.Kind.MEMBER
    )
    language = models.CharField(_("language"), max_length=5, default="en")
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    invited_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return f"{self.email} → {self.tenant}"


class Scope(models.TextChoices):
    """What an API key may do."""

    READ = "tickets:read", _("Read tickets")
    WRITE = "tickets:write", _("Open tickets, and act on them")


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def live(self) -> "ApiKeyQuerySet":
        """Keys that still open the door."""
        alive = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(alive, revoked_at=None)


class ApiKey(models.Model):
    """A key to the API for one tenant.  Only its hash is kept; it is shown once."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="api_keys")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    label = models.CharField(_("label"), max_length=100)
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        indexes = [models.Index(fields=["tenant", "-created_at"], name="customers_keys")]

    def __str__(self) -> str:
        return f"{self.label} ({self.prefix}…)"

    @property
    def status(self) -> str:
        """One word: live, expired or revoked."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= timezone.now() else "live"

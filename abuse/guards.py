"""What stands in the way of a step of an incident; "" when nothing does."""

from datetime import timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from escalation.actors import Actor, Role

QUIET: Final = timedelta(days=14)  # without a report: an incident that waits for nobody ends


def warning_is_due(incident: Any, actor: Actor) -> str:
    return _by_itself(incident, actor, "warn")


def statement_is_due(incident: Any, actor: Actor) -> str:
    return _by_itself(incident, actor, "ask")


def restriction_is_due(incident: Any, actor: Actor) -> str:
    if actor.role == Role.AGENT and actor.level < 2:
        return _("Restricting a tenant is for agents of level 2.")
    return _by_itself(incident, actor, "restrict")


def _by_itself(incident: Any, actor: Actor, step: str) -> str:
    """Agents judge; the desk itself goes by the table, and by proved reports alone."""
    if actor.role == Role.AGENT or incident.is_due(step):
        return ""
    return _("The reports that are proved do not reach the threshold.")


def no_appeal_is_open(incident: Any, actor: Actor) -> str:
    return _("The appeal is with the desk already.") if incident.appealed_at else ""


def may_judge_appeal(incident: Any, actor: Actor) -> str:
    if not incident.appealed_at:
        return _("Nobody has appealed.")
    return may_release(incident, actor)


def may_release(incident: Any, actor: Actor) -> str:
    """An appeal is judged by somebody else than the agent who restricted."""
    if not incident.appealed_at:
        return ""
    last = incident.entries.filter(event="restrict").order_by("-pk").first()
    if last is not None and last.user_id and actor.user and last.user_id == actor.user.pk:
        return _("An appeal is judged by another agent than the one who restricted.")
    return ""


def has_been_quiet(incident: Any, actor: Actor) -> str:
    if actor.role == Role.AGENT or timezone.now() - incident.last_report_at >= QUIET:
        return ""
    return _("There have been reports lately.")


def no_other_is_open(incident: Any, actor: Actor) -> str:
    others = type(incident)._default_manager.open().exclude(pk=incident.pk)
    if others.filter(tenant=incident.tenant_id, feedback_class=incident.feedback_class).exists():
        return _("Another incident of this tenant and class is open: work on that one.")
    return ""

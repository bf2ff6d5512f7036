from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from escalation import checks as checks  # registers them


class EscalationConfig(AppConfig):
    """The project package, also an app: commands, template tags, checks."""

    name = "escalation"


class DeskConfig(AdminConfig):
    """The Django admin, as the agents' desk."""

    default_site = "escalation.desk.Desk"

from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig

from escalation import checks as checks  # registers them
from escalation import labels


class EscalationConfig(AppConfig):
    """The project package, also an app: commands, template tags, checks."""

    name = "escalation"

    def ready(self) -> None:
        labels.name_fields(apps.get_models())


class DeskConfig(AdminConfig):
    """The Django admin, as the agents' desk."""

    default_site = "escalation.desk.Desk"

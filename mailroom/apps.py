from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from mailroom import checks as checks  # registers them


class MailroomConfig(AppConfig):
    name = "mailroom"
    verbose_name = _("Letters")

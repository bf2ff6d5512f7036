from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GuideConfig(AppConfig):
    """The online help: what each refusal means, who can fix it, what comes next."""

    name = "guide"
    verbose_name = _("guide")

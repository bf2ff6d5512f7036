from django.apps import AppConfig

from mailroom import checks as checks  # registers them


class MailroomConfig(AppConfig):
    name = "mailroom"

"""The rules of escalation to begin with; the operator changes them at the desk."""

from typing import Any

from django.db import migrations

# The desk’s own clock runs in office hours, and so does that of an owner who keeps silent:
# customers and senders may take their time.
RULES = [
    {"party": "desk", "level": 1, "hours": 8, "office_hours": True},
    {"party": "desk", "level": 2, "hours": 24, "office_hours": True},
    {"party": "desk", "level": 3, "hours": 48, "office_hours": True},
    {"party": "owner", "level": 1, "hours": 40, "office_hours": True},
]


def add_rules(apps: Any, schema_editor: Any) -> None:
    rules = apps.get_model("tickets", "LadderRule").objects.using(schema_editor.connection.alias)
    for rule in RULES:
        rules.get_or_create(party=rule["party"], level=rule["level"], defaults=rule)


class Migration(migrations.Migration):
    dependencies = [("tickets", "0001_initial")]
    operations = [migrations.RunPython(add_rules, migrations.RunPython.noop, elidable=False)]

"""The policy table of the product, as rows that the desk may change."""

from django.db import migrations

SELF = {"way": "self"}
WAIT = {"way": "wait", "wait_hours": 24, "hits_allowed": 50}
NAMES = {"way": "self", "names_agree": True}
ROWS = {
    "automatic": (SELF, WAIT, {"way": "agent"}),
    "trap": (SELF, {"way": "agent"}, {"way": "statement"}),
    "policy": (NAMES, NAMES, {"way": "agent"}),
    "range": ({"way": "owner"},) * 3,
    "manual": ({"way": "two_agents"},) * 3,
    "tenant": ({"way": "tenant"},) * 3,
}


def fill(apps, schema_editor):
    rule = apps.get_model("delisting", "Rule")
    rule.objects.bulk_create(
        rule(reason_class=kind, nth=nth, note="as it comes", **row)
        for kind, rows in ROWS.items()
        for nth, row in enumerate(rows, 1)
    )


class Migration(migrations.Migration):
    dependencies = [("delisting", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]

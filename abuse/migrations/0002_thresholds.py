from django.db import migrations

# step, enrolled reporters, others, per 1,000 messages, by itself
TABLE = (
    ("warn", 1, 3, "1.00", True),
    ("ask", 3, 10, "3.00", True),
    ("restrict", 5, 25, "5.00", False),
)
NOTE = "As installed: receivers look askance at one complaint in a thousand messages."


def fill(apps, schema_editor):
    threshold = apps.get_model("abuse", "Threshold")
    for step, enrolled, anonymous, per_1000, is_automatic in TABLE:
        threshold.objects.create(
            step=step,
            feedback_class="",
            window_days=7,
            enrolled=enrolled,
            anonymous=anonymous,
            per_1000=per_1000,
            is_automatic=is_automatic,
            note=NOTE,
        )


class Migration(migrations.Migration):
    dependencies = [("abuse", "0001_reports")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]

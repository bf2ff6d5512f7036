from ipaddress import ip_network

from django.db import migrations

ROUND = 2000  # rows


def fill_after(apps, schema_editor):
    """The key behind a prefix, for the rows that are there: ``listings.actions.columns``."""
    for name in ("Listing", "ListingException"):
        rows = apps.get_model("listings", name).objects
        while some := list(rows.filter(after="").only("prefix")[:ROUND]):
            for row in some:
                last = ip_network(row.prefix).broadcast_address
                number = int(last) if last.version == 6 else int(last) | 0xFFFF << 32
                row.after = f"{number + 1:032x}"
            rows.bulk_update(some, ["after"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("listings", "0002_cells_and_sinks")]

    operations = [migrations.RunPython(fill_after, migrations.RunPython.noop)]

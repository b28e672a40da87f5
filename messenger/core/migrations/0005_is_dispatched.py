from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0004_outbox_vacuum")]

    operations = [
        # PostgreSQL renames the column in the index outbox_waiting as well.
        migrations.RenameField("outboxevent", "is_followed", "is_dispatched"),
    ]

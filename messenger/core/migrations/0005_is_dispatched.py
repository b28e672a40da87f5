from django.db import migrations, models

# PostgreSQL renames the column in the index as well; only Django's state has to change.
INDEX = models.Index(
    condition=models.Q(("published_at__isnull", True), ("refusal", "")),
    fields=["is_dispatched", "id"],
    name="outbox_waiting",
)


class Migration(migrations.Migration):
    dependencies = [("core", "0004_outbox_vacuum")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveIndex("outboxevent", "outbox_waiting")]
        ),
        migrations.RenameField("outboxevent", "is_followed", "is_dispatched"),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.AddIndex("outboxevent", INDEX)]
        ),
    ]

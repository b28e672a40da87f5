from django.db import migrations, models

# Rows from before there was a relay.
TOPICS = """
UPDATE core_outboxevent SET topic = CASE
  WHEN event_type = 'message.delivered' THEN 'message.delivered'
  WHEN event_type LIKE 'message.%' THEN 'message.sent'
  WHEN event_type LIKE 'chat.%' THEN 'chat.events'
  ELSE 'accounts.events' END
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        migrations.RemoveIndex(model_name="outboxevent", name="outbox_unpublished"),
        migrations.AddField(
            model_name="outboxevent",
            name="topic",
            field=models.CharField(default="", max_length=64),
            preserve_default=False,
        ),
        migrations.RunSQL(TOPICS, migrations.RunSQL.noop),
        migrations.AddField(
            model_name="outboxevent",
            name="is_followed",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="outboxevent",
            name="refusal",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddIndex(
            model_name="outboxevent",
            index=models.Index(
                condition=models.Q(("published_at__isnull", True), ("refusal", "")),
                fields=["is_followed", "id"],
                name="outbox_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="outboxevent",
            index=models.Index(
                condition=models.Q(("refusal", ""), _negated=True),
                fields=["id"],
                name="outbox_refused",
            ),
        ),
    ]

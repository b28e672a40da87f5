"""Without this index, deleting a chat read the whole table once for each of its messages."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["reply_to"],
                name="message_reply_to",
                condition=models.Q(reply_to__isnull=False),
            ),
        ),
    ]

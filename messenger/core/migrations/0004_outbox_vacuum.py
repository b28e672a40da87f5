from django.db import migrations

# Every event is inserted, then updated once: the index of what waits fills with dead entries, which
# each turn of the relay walks over, long before the default fifth of a week's table has died.
VACUUM = """
ALTER TABLE core_outboxevent
SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 50000)
"""
DEFAULT = """
ALTER TABLE core_outboxevent
RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0003_failed_tasks")]

    operations = [migrations.RunSQL(VACUUM, DEFAULT)]

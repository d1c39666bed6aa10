"""Where an epoch was begun: the cluster's own number, and that of the table. A copy that pg_restore put back is at
another place, until an epoch has begun there; one of the files themselves, such as a snapshot of a disk, is not."""

from sqlalchemy import text

HERE = "(SELECT concat(system_identifier, '/', CAST(CAST('epoch' AS regclass) AS oid)) FROM pg_control_system())"
BEGUN_HERE = text(f"SELECT place = {HERE} FROM epoch ORDER BY number DESC LIMIT 1")  # noqa: S608 - nothing of others
UNMARKED = (
    "The database is a copy that was put back, and not marked: run `python -m ops.restore` again, with --replace; of a"
    " copy that was put back by other means, run `python -m ops.restored`, then `python -m models.migrate`."
)

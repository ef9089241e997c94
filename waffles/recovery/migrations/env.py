"""Runs revisions on the connection, and in the transaction, that is given."""

from alembic import context

from waffles.recovery import tables, upgrades

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.METADATA,
    version_table=upgrades.VERSION_TABLE,
)
context.run_migrations()

"""Runs revisions on the connection, and in the transaction, that is given."""

from alembic import context

from waffles.database import metadata, upgrades

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata.METADATA,
    version_table=upgrades.VERSION_TABLE,
)
context.run_migrations()

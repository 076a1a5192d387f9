"""Runs the numbered migrations on the connection that `bridge.store.database.migrate` gives."""

from alembic import context

from bridge.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()

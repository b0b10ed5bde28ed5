"""What Alembic runs around our migrations: they join the transaction that is already open."""

from alembic import context

from tallybook.stores.books.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()

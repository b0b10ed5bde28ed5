"""What Alembic runs around our migrations: they join the transaction that is already open."""

from alembic import context

context.configure(**context.config.attributes["configure"])
context.run_migrations()

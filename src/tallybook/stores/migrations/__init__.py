"""What Alembic runs around the migrations of each store; the steps lie with the stores."""

"""Alembic's entry: runs the migrations on the connection, and in the transaction, of `apply.py`."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=context.config.attributes.get("metadata"))
context.run_migrations()

"""Books on SQL: definitions as versions, people and the audit trail, in SQLite or PostgreSQL."""

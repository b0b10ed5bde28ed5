"""A folder a store. All SQL, migrations and database drivers live here."""

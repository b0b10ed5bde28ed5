"""One file a format: rows in, bytes out, in a stable order. No meaning is added here."""

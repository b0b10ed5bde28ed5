"""The verbs, one a file, each under a Scope. No SQL, no web framework, no clock."""

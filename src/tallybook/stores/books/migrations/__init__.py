"""The history of the schema of Books, one file a step; `versions` are run in order."""

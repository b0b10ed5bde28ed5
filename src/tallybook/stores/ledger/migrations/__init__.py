"""The history of the schema of the ledger, one file a step; `versions` are run in order."""

"""The pages of cases: the form that opens one, one with what both sides wrote, and the list."""

"""The generator of realistic sample data, sent through the same API as real data."""

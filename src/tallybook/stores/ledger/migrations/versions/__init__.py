"""The steps. A released one is never edited: data in the field was made by it."""

"""Nouns, money, time, errors, limits and ports. It imports nothing else of ours."""

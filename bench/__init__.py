"""The benchmark: our number and the same work by hand in the engine, side by side, as a ratio."""

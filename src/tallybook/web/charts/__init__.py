"""Charts as SVG text: pure functions from exact quantities to markup. No dates, no requests."""

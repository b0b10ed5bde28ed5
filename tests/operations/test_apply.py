"""Many definitions at once: what a plan says, and that all is done or nothing."""

"""One file a check: variables, columns, findings. A check sees a View, never a store."""

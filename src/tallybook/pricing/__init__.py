"""One file a price model: quantity in, amount and its parts out. Pure, never rounded."""

"""One file a price model: `parse` reads a document into a `model.price.Price`. Pure, unrounded."""

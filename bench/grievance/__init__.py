"""How fast complaints are written and found, beside the bare driver of the same database."""

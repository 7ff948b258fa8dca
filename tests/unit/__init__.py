"""Pure rules and virtual time."""

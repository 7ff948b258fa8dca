"""Short messages to citizens: their words, their length, and the line to the gateway."""

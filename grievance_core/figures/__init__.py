"""The leadership's figures: counted once from the events, read from roll-ups, compared fairly."""

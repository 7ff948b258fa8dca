"""Speed of the dialer: `python -m bench.dialer` measures a list of a million contacts."""

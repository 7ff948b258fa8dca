"""Real SIP calls through a private Asterisk."""

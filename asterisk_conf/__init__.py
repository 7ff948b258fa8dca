"""Asterisk itself: finding or fetching it, its configuration, and a private instance of it."""

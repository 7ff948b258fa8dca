"""Whom to ring when, the pacing of calls and the outcome of each attempt."""

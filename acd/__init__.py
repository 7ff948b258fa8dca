"""Waiting callers, the matching of callers to agents, offers and the waiting experience."""

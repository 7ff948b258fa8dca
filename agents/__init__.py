"""Agents, their credentials and their presence."""

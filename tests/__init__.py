"""Tests are claims: a test's name says what holds."""

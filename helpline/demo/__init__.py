"""make demo: real phones and one complaint that lives its whole life."""

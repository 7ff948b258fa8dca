"""What the citizen hears: prompts, menus and flows."""

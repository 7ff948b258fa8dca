"""The roof: settings, run folder, start-up."""

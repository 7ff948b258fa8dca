"""The roof: settings, wiring, the running process, the command line and the web console."""

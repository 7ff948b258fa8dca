"""The pure engine: events in, decisions out. It runs live, in simulation and in replay."""

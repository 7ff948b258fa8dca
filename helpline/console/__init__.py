"""The desk page of agents and officers, and the local interface that the command line speaks to."""

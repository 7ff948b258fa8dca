"""The state's grievance system, IGRS (Jansunwai): told of each complaint and change, it gives officers' reports."""

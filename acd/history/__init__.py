"""What was: the journal, its replay, levels and figures of days, simulated days and what-if."""

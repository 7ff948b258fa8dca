"""Whether feedback is gamed: blind second calls, who disagrees with the first answer, reports that came too fast."""

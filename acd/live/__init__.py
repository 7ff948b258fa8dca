"""The queue at work: offers, talks, phones, repairs, what is kept for the next controller, supervisors' orders."""

"""Complaints, their life cycle and time limits, and the officers who answer for them."""

"""Who sits in which post, from when to when: holders, additional charge, leave; and so who answers for a complaint."""

"""Who follows which ids, and what each of them still has to get."""

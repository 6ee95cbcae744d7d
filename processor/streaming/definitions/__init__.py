"""Definitions: read from their topic, changed there, and put back when somebody breaks them."""

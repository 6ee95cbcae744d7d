"""Definitions over HTTP: the registry, what-if runs, and the console's exchange of tokens."""

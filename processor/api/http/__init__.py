"""What every route needs of HTTP: connections, tokens, bounds, errors, and other workers."""

"""The first stage: enriched events become contributions, framed by target partition."""

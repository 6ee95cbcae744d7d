"""Routes of interventions: a stream for subscribers, and direct ones."""

"""The `processor` command: one file for each group of commands."""

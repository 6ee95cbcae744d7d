"""The second stage: contributions and parts are applied to profiles, flushed, restored and read."""

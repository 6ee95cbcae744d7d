"""Attributes and profiles, of this worker or another."""

"""Interventions: written on request, and followed for subscribers."""

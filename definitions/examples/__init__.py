"""Definitions to start from: `processor publish definitions/examples/ecommerce.py`."""

"""A shop that never closes: realistic enriched events, the same for the same seed."""

from processor.local.shop.stream import GeneratedEvent, Shop

__all__ = ["GeneratedEvent", "Shop"]

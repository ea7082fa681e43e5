"""Players that talk in coloured stripes."""

from stripes.players import Reader, Weaver, provider

__all__ = ["Reader", "Weaver", "provider"]

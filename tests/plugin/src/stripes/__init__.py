"""Two models that write and read coloured stripes."""

from stripes.models import Reader, Weaver, provider

__all__ = ["Reader", "Weaver", "provider"]

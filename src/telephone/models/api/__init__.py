"""Models that are called over HTTP: providers, API keys, prices, and checks of everything that a provider returns."""

from telephone.models.api.keys import Key, find_key, key_names
from telephone.models.api.prices import Price, Usage, price_of

__all__ = ["Key", "Price", "Usage", "find_key", "key_names", "price_of"]

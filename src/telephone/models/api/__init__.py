"""The players on other people's machines: how they are asked, what it costs, and why their answers are not trusted."""

from telephone.models.api.keys import Key, find_key, key_names
from telephone.models.api.prices import Price, Usage, price_of

__all__ = ["Key", "Price", "Usage", "find_key", "key_names", "price_of"]

"""The part of an address after its question mark, for players on other machines: checked, and never quoted back."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from telephone.core.errors import UsageError
from telephone.models.base import ModelKind
from telephone.models.provider import Parser, choice, integer, number, suggestion

KINDS: tuple[ModelKind, ...] = ("text2image", "image2text", "embedder")


@dataclass(frozen=True)
class Options:
    """What every remote player can be told; none of the first part changes an answer."""

    kind: ModelKind | None = None
    base_url: str | None = None
    flight: int = 8
    """Calls at one time."""
    per_minute: float | None = None
    timeout: float | None = None
    """Seconds for a whole call; None is the provider's usual."""
    price: float | None = None
    """US dollars an item, where the user knows better than the table."""
    price_second: float | None = None
    """US dollars a second of computing."""
    seed: str = "no"
    """`no`: not sent; `try`: sent; `yes`: sent, and the user vouches that equal seeds give equal answers."""
    deciding: Mapping[str, Any] = field(default_factory=dict)
    """The options of this provider that are part of the request."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request, from options such as `extra.steps=4`."""

    def asked(self) -> list[tuple[str, Any]]:
        """Returns everything that decides an answer, sorted: it belongs to the fingerprint."""
        chosen = [*self.deciding.items(), *((f"extra.{key}", value) for key, value in self.extra.items())]
        return sorted([*chosen, ("seed", self.seed)], key=lambda pair: pair[0])


def size(text: str) -> str:
    """Reads a size of a picture.

    Raises:
        ValueError: it is neither `WIDTHxHEIGHT` nor `auto`.
    """
    if not re.fullmatch(r"auto|[1-9]\d{1,4}x[1-9]\d{1,4}", text):
        raise ValueError("give WIDTHxHEIGHT in pixels, such as 1024x1024, or auto")
    return text


def word(text: str) -> str:
    """Reads one plain word, for options whose values a provider may change.

    Raises:
        ValueError: it is something else.
    """
    if not re.fullmatch(r"[\w.:/-]{1,80}", text):
        raise ValueError("give one plain word")
    return text


def sentence(text: str) -> str:
    """Reads a request in words.

    Raises:
        ValueError: it is empty or very long.
    """
    if not 0 < len(text.strip()) <= 2000:
        raise ValueError("give a request of at most 2000 characters")
    return text.strip()


SHARED: dict[str, Parser] = {
    "kind": choice(*KINDS),
    "base_url": lambda text: text.strip(),
    "flight": integer(1, 1024),
    "per_minute": number(0.01, 1e6),
    "timeout": number(0.05, 3600),
    "price": number(0, 1000),
    "price_second": number(0, 1000),
    "seed": choice("no", "try", "yes"),
}


def read(ref: str, given: Mapping[str, str], own: Mapping[str, Parser], prefix: str = "extra.") -> Options:
    """Returns the options of an address.

    Args:
        ref: provider and name, for messages.
        given: what follows the question mark.
        own: the options of this provider beside the shared ones.
        prefix: options that begin so are further fields of the request; numbers, true and false are read as JSON.

    Raises:
        UsageError: an option is unknown or its value cannot be read; the value itself is not told, as it may be a key.
    """
    shared: dict[str, Any] = {}
    deciding: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, text in given.items():
        if name.startswith(prefix) and name != prefix:
            extra[name.removeprefix(prefix)] = literal(text)
        elif name in SHARED:
            shared[name] = _value(ref, name, text, SHARED[name])
        elif name in own:
            deciding[name] = _value(ref, name, text, own[name])
        else:
            raise _unknown(ref, name, [*SHARED, *own], prefix)
    return Options(**shared, deciding=deciding, extra=extra)


def literal(text: str) -> Any:
    """Returns the number, truth value or null that a text is in JSON, else the text itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, str | list | dict) else value


def _value(ref: str, name: str, text: str, parse: Parser) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(f"The option {name}= of {ref} cannot be used: {error}.") from None


def _unknown(ref: str, name: str, known: list[str], prefix: str) -> UsageError:
    if re.search(r"key|token|secret|password", name, re.IGNORECASE) and name not in known:
        return UsageError(f"{ref} takes no option {name!r}: a key never belongs in an address; see docs/api-models.md.")
    listed = ", ".join([*sorted(known), f"{prefix}NAME"])
    return UsageError(f"{ref} has no option {name!r}; its options are: {listed}.{suggestion(name, known)}")

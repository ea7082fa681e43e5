"""Options of a remote model's address: checked, and never quoted in a message, since a value may be a key."""

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
class RemoteOptions:
    """Options of a remote model; only `seed`, `request` and `extra` are part of its fingerprint."""

    kind: ModelKind | None = None
    base_url: str | None = None
    flight: int = 8
    """Maximum concurrent calls."""
    per_minute: float | None = None
    """Maximum calls per minute; None is unlimited."""
    timeout: float | None = None
    """Seconds of a whole call; None is the provider's default."""
    price: float | None = None
    """US dollars an item; overrides the price table."""
    price_second: float | None = None
    """US dollars a second of computing; overrides the price table."""
    seed: str = "no"
    """`no`: not sent; `try`: sent; `yes`: sent, and the user states that equal seeds give equal results."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """Options of the provider that are part of the request."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request, from options such as `extra.steps=4`."""

    def fingerprint_parts(self) -> list[tuple[str, Any]]:
        """Returns everything that determines a result, sorted by name."""
        chosen = [*self.request.items(), *((f"extra.{key}", value) for key, value in self.extra.items())]
        return sorted([*chosen, ("seed", self.seed)], key=lambda pair: pair[0])


def image_size(text: str) -> str:
    """Parses the size of an image.

    Raises:
        ValueError: it is neither `WIDTHxHEIGHT` nor `auto`.
    """
    if not re.fullmatch(r"auto|[1-9]\d{1,4}x[1-9]\d{1,4}", text):
        raise ValueError("give WIDTHxHEIGHT in pixels, such as 1024x1024, or auto")
    return text


def identifier(text: str) -> str:
    """Parses one word of letters, digits and `_.:/-`, for options whose values the provider defines.

    Raises:
        ValueError: it has other characters, or more than 80.
    """
    if not re.fullmatch(r"[\w.:/-]{1,80}", text):
        raise ValueError("give one word of letters, digits and _.:/-")
    return text


def task_text(text: str) -> str:
    """Parses the option `task`: the text that is sent with an image.

    Raises:
        ValueError: it is empty or longer than 2000 characters.
    """
    if not 0 < len(text.strip()) <= 2000:
        raise ValueError("give a text of 1 to 2000 characters")
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
"""Options of all remote models."""


def parse_options(
    ref: str, values: Mapping[str, str], parsers: Mapping[str, Parser], prefix: str = "extra."
) -> RemoteOptions:
    """Returns the options of an address.

    Args:
        ref: provider and name, for messages.
        values: options as text.
        parsers: the options of the provider beside the shared ones.
        prefix: options with this prefix are further fields of the request; see `json_scalar`.

    Raises:
        UsageError: an option is unknown or its value is invalid; the message omits the value, which may be a key.
    """
    shared: dict[str, Any] = {}
    request: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, text in values.items():
        if name.startswith(prefix) and name != prefix:
            extra[name.removeprefix(prefix)] = json_scalar(text)
        elif name in SHARED:
            shared[name] = _value(ref, name, text, SHARED[name])
        elif name in parsers:
            request[name] = _value(ref, name, text, parsers[name])
        else:
            raise _unknown(ref, name, [*SHARED, *parsers], prefix)
    return RemoteOptions(**shared, request=request, extra=extra)


def requested_kind(ref: str, values: Mapping[str, str]) -> ModelKind | None:
    """Returns the value of the option `kind`, None if it is absent.

    Raises:
        UsageError: it is not a kind.
    """
    text = values.get("kind")
    kind = next((each for each in KINDS if each == text), None)
    if text is not None and kind is None:
        raise UsageError(f"The option kind= of {ref} cannot be used: give one of: {', '.join(KINDS)}.")
    return kind


def json_scalar(text: str) -> Any:
    """Returns the number, boolean or null that a text is in JSON, else the text itself."""
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

"""What all remote players share: whom they ask, with which key and at what price; and how items are asked in turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from telephone.core.errors import ModelError, UsageError
from telephone.core.seeds import digest
from telephone.models.api.endpoints import Endpoint, check_plain_http
from telephone.models.api.http_client import require
from telephone.models.api.keys import Key, find_key, key_names
from telephone.models.api.options import Options
from telephone.models.api.prices import UNKNOWN, Price, price_of
from telephone.models.base import Model, ModelKind, Traits
from telephone.models.results import ModelOutput

T = TypeVar("T")

VERSION = 1
"""Raised whenever the same address may send another request."""


@dataclass(frozen=True)
class Connection:
    """The connection of one player to its provider."""

    provider: str
    """The first part of the address."""
    package: str
    """The optional package that the provider needs."""
    model: str
    kind: ModelKind
    place: Endpoint
    options: Options
    usual_timeout: float = 120.0

    @property
    def who(self) -> str:
        """The provider and its machine, for messages."""
        return f"{self.provider}/{self.model} at {self.place.host}"

    @property
    def timeout(self) -> float:
        """Seconds for a whole call."""
        return self.options.timeout or self.usual_timeout

    @property
    def price(self) -> Price:
        """What the user says, else what the table says of the provider's own machine, else unknown."""
        if self.options.price is not None:
            return Price(item=self.options.price, source="option")
        if self.options.price_second is not None:
            return Price(second=self.options.price_second, source="option")
        return price_of(self.provider, self.model) if self.place.own else UNKNOWN

    def key(self) -> Key | None:
        """Returns the key for this machine; None only where a server of one's own may do without.

        Raises:
            UsageError: the provider's own machine needs one and there is none, or the key file is not safe.
        """
        found = find_key(self.provider, "" if self.place.own else self.place.host)
        if found is None and self.place.own:
            name = key_names(self.provider)[0]
            raise UsageError(
                f'There is no key for {self.provider}: set {name}, or write {self.provider} = "…" into the key file.'
            )
        return found

    def check(self) -> None:
        """Checks that a call can be made at all.

        Raises:
            UsageError: a package or a key is missing, or the server's address is not safe.
        """
        require(self.package, f"{self.provider}/{self.model}")
        check_plain_http(self.place)
        self.key()

    def lacks(self) -> str:
        """Returns what is missing before a call can be made, in one sentence; empty if nothing is."""
        try:
            self.check()
        except UsageError as error:
            return str(error)
        return ""

    def traits(self, *asked: object) -> Traits:
        """Returns what the player is; the key, the limits and the price do not change an answer.

        Args:
            asked: what the player sends beside its options, such as the request in words.
        """
        parts = (self.provider, VERSION, self.place.url, self.kind, self.model, *self.options.asked(), *asked)
        return Traits(
            digest("remote", *parts),
            device="remote",
            batch_size=1,
            concurrency=self.options.flight,
            seeds=self.options.seed == "yes",
            price=self.price.expected(),
            service=f"{self.provider} {self.place.host}",
            per_minute=self.options.per_minute,
        )

    def seed(self, seed: int | None) -> int | None:
        """Returns the seed that is sent, None if none is; in [0, 2**31), because some services count no further."""
        return None if seed is None or self.options.seed == "no" else seed % 2**31


class Remote(Model):
    """The part of a player that does not depend on its kind."""

    line: Connection

    def lacks(self) -> str:
        """Returns what is missing before the first call, such as a key, in one sentence; empty if nothing is."""
        return self.line.lacks()


def each_alone(
    ask: Callable[[T, int | None], ModelOutput], items: Sequence[T], seeds: Sequence[int] | None
) -> list[ModelOutput | ModelError]:
    """Returns one answer an item, in order; an item that failed is its error, so that the others are kept.

    Raises:
        UsageError: no call can be made at all.
    """
    chosen: Sequence[Any] = [None] * len(items) if seeds is None else seeds
    return [_one(ask, item, seed) for item, seed in zip(items, chosen, strict=True)]


def _one(ask: Callable[[T, int | None], ModelOutput], item: T, seed: int | None) -> ModelOutput | ModelError:
    try:
        return ask(item, seed)
    except ModelError as error:
        return error

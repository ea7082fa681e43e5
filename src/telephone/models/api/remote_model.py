"""What all remote models and their providers share: connection, key, price, fingerprint, calls item by item."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from telephone.core.errors import ModelError, UsageError
from telephone.core.seeds import digest
from telephone.models.api.endpoints import Endpoint, check_plain_http, resolve_endpoint
from telephone.models.api.http_client import require_package
from telephone.models.api.keys import Key, find_key, key_names
from telephone.models.api.model_catalog import CatalogEntry, resolve_kind
from telephone.models.api.network_environment import check_network_environment
from telephone.models.api.options import KINDS, RemoteOptions, parse_options, requested_kind
from telephone.models.api.prices import UNKNOWN, Price, price_of
from telephone.models.base import Model, ModelKind, Traits
from telephone.models.provider import ModelCard, Parser
from telephone.models.results import ModelOutput

T = TypeVar("T")

VERSION = 1
"""Part of the fingerprint; increased when an address starts to send another request."""

_VERBS: dict[ModelKind, str] = {
    "text2image": "generates images",
    "image2text": "describes images",
    "embedder": "embeds texts",
}


@dataclass(frozen=True)
class Connection:
    """Everything that a remote model needs to call its provider."""

    provider: str
    """The part of the address before the first slash."""
    package: str
    """The optional package that the provider needs."""
    model: str
    """The provider's name of the model."""
    kind: ModelKind
    endpoint: Endpoint
    options: RemoteOptions
    default_timeout: float = 120.0
    """Seconds of a whole call if the option `timeout` is absent."""

    @property
    def label(self) -> str:
        """Model and host, for messages."""
        return f"{self.provider}/{self.model} at {self.endpoint.host}"

    @property
    def timeout(self) -> float:
        """Seconds of a whole call."""
        return self.options.timeout or self.default_timeout

    @property
    def price(self) -> Price:
        """The price of the options, else of the table if the server is the provider's own, else unknown."""
        if self.options.price is not None:
            return Price(item=self.options.price, source="option")
        if self.options.price_second is not None:
            return Price(second=self.options.price_second, source="option")
        return price_of(self.provider, self.model) if self.endpoint.official else UNKNOWN

    def key(self) -> Key | None:
        """Returns the key for the server; only another server than the provider's own may have none.

        Raises:
            UsageError: the provider's own server needs a key and there is none, or the key file is not safe.
        """
        found = find_key(self.provider, "" if self.endpoint.official else self.endpoint.host)
        if found is None and self.endpoint.official:
            name = key_names(self.provider)[0]
            raise UsageError(
                f'There is no key for {self.provider}: set {name}, or write {self.provider} = "…" into the key file.'
            )
        return found

    def check(self) -> None:
        """Checks that calls are possible.

        Raises:
            UsageError: a package or a key is missing, the address of the server is not safe, or a variable of proxies
                or certificates cannot be used.
        """
        require_package(self.package, f"{self.provider}/{self.model}")
        check_plain_http(self.endpoint)
        if not self.endpoint.loopback:
            check_network_environment()
        self.key()

    def traits(self, *parts: object) -> Traits:
        """Returns the traits of the model; key, rate limits and price are not part of the fingerprint.

        Args:
            parts: further parts of the fingerprint, such as the task text.
        """
        fixed = (self.provider, VERSION, self.endpoint.url, self.kind, self.model)
        return Traits(
            digest("remote", *fixed, *self.options.fingerprint_parts(), *parts),
            device="remote",
            batch_size=1,
            concurrency=self.options.flight,
            seeds=self.options.seed == "yes",
            price=self.price.expected(),
            service=f"{self.provider} {self.endpoint.host}",
            per_minute=self.options.per_minute,
        )

    def seed(self, seed: int | None) -> int | None:
        """Returns the seed to send, in [0, 2**31) because some services accept no more; None if none is sent."""
        return None if seed is None or self.options.seed == "no" else seed % 2**31


class RemoteModel(Model):
    """Base of all remote models, of any kind."""

    def __init__(self, connection: Connection) -> None:
        """Stores the connection; nothing is sent and no key is read before the first call."""
        self.connection = connection
        self.model_name = connection.model
        if connection.kind == "image2text" and "task" in connection.options.request:
            self.task_description: str = connection.options.request["task"]

    def lacks(self) -> str:
        """Returns what is missing before the first call, such as a key, in one sentence; empty if nothing is."""
        try:
            self.connection.check()
        except UsageError as error:
            return str(error)
        return ""

    def traits(self) -> Traits:
        """Returns the traits of the model."""
        return self.connection.traits(*self.fingerprint_parts())

    def fingerprint_parts(self) -> tuple[object, ...]:
        """Returns what the model sends in addition to its options, such as the task text."""
        return (getattr(self, "task_description", ""),)


class RemoteProvider:
    """Base of the providers of remote models."""

    name: ClassVar[str]
    package: ClassVar[str]
    """The optional package that the provider needs."""
    official_url: ClassVar[str]
    """Base URL of the provider's own server."""
    address: ClassVar[str]
    """Pattern of the addresses, such as `openai/MODEL`."""
    subject: ClassVar[str]
    """Which models the provider offers, for the list of models."""
    parsers: ClassVar[Mapping[str, Mapping[str, Parser]]]
    """The options of each kind beside the shared ones."""
    extra_prefix: ClassVar[str] = "extra."
    """Prefix of options that are further fields of the request."""
    default_timeout: ClassVar[float] = 120.0

    def cards(self) -> list[ModelCard]:
        """Returns one card a kind; each stands for all models of the provider."""
        return [
            ModelCard(
                self.address, kind, f"{self.subject} that {_VERBS[kind]}", tuple(sorted(self.parsers.get(kind, {})))
            )
            for kind in KINDS
        ]

    def connection(self, name: str, values: Mapping[str, str], entry: CatalogEntry) -> Connection:
        """Returns the connection of one model.

        Args:
            name: the provider's name of the model.
            values: the options of its address.
            entry: what the table of models knows about it.

        Raises:
            UsageError: an option is unknown or invalid, or the kind of the model is unknown.
        """
        ref = f"{self.name}/{name}"
        kind = resolve_kind(ref, requested_kind(ref, values), entry)
        options = parse_options(ref, values, self.parsers[kind], self.extra_prefix)
        endpoint = resolve_endpoint(options.base_url, self.official_url)
        return Connection(self.name, self.package, name, kind, endpoint, options, self.default_timeout)


def call_each(
    call: Callable[[T, int | None], ModelOutput], items: Sequence[T], seeds: Sequence[int] | None
) -> list[ModelOutput | ModelError]:
    """Returns one result an item, in order; a failed item is its error, so that the others are kept.

    Raises:
        UsageError: no call is possible.
    """
    chosen: Sequence[Any] = [None] * len(items) if seeds is None else seeds
    return [_call_one(call, item, seed) for item, seed in zip(items, chosen, strict=True)]


def _call_one(call: Callable[[T, int | None], ModelOutput], item: T, seed: int | None) -> ModelOutput | ModelError:
    try:
        return call(item, seed)
    except ModelError as error:
        return error

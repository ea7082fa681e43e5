"""Resolves addresses to models: finds the providers by entry point and keeps each model made in this process."""

import threading
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from telephone.core import settings
from telephone.core.errors import UsageError
from telephone.models.base import Embedder, Image2Text, ImageEditor, Model, ModelKind, Text2Image, kind_of
from telephone.models.plugin_discovery import errors_of_plugin, find_entry_points
from telephone.models.provider import EditorProvider, ModelCard, Provider, suggestion, unknown_model

GROUP = "telephone.models"
"""The entry-point group of providers; the built-in ones are registered in it like every other."""
FORMER_GROUPS = ("telephone.players",)
"""Earlier names of the group, which are read as well; of entries with one name, that of `GROUP` is used."""

_ABILITIES: dict[ModelKind, str] = {
    "text2image": "a text-to-image model",
    "image2text": "an image-to-text model",
    "embedder": "an embedder",
    "image_editor": "an image editor",
}
_WORLD_PARTNERS: dict[ModelKind, str] = {"text2image": "oracle/reader", "image2text": "oracle/renderer"}
"""The lossless models of the pocket world, for models whose provider names no partner of its own."""


@dataclass(frozen=True)
class Ref:
    """A parsed address."""

    provider: str
    name: str
    options: tuple[tuple[str, str], ...] = ()
    """Sorted, so that two spellings of one address are equal."""

    def __str__(self) -> str:
        query = urlencode(self.options, safe="/:,.")
        return f"{self.provider}/{self.name}" + (f"?{query}" if query else "")


def parse_ref(text: str) -> Ref:
    """Returns the parts of `provider/name?option=value&other=value`.

    Raises:
        UsageError: an option has no value or is given twice.
    """
    address, _, query = text.strip().partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError as error:
        raise UsageError(f"The options of {text!r} cannot be parsed: write them as ?name=value&other=value.") from error
    if len({key for key, _ in pairs}) < len(pairs):
        raise UsageError(f"An option of {text!r} is given twice: keep one of them.")
    provider, _, name = address.partition("/")
    return Ref(provider, name, tuple(sorted(pairs)))


@dataclass
class Registry:
    """The providers found in this installation and the models made so far."""

    groups: tuple[str, ...] = (GROUP, *FORMER_GROUPS)
    """The entry-point groups, in order of precedence."""
    _models: dict[tuple[str, Path | None], Model] = field(default_factory=dict)
    """By address and folder of custom weights, since another `TELEPHONE_WEIGHTS` means other models."""
    _editors: dict[tuple[str, Path | None], ImageEditor] = field(default_factory=dict)
    """The editors of addresses that serve another kind as well."""
    _providers: dict[str, Provider] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def text2image(self, ref: str) -> Text2Image:
        """Returns the text-to-image model at this address.

        Raises:
            UnknownModel: there is no model at this address.
            UsageError: it is of another kind, an option is invalid, or its provider cannot be loaded.
        """
        model = self._get(ref, "text2image")
        assert isinstance(model, Text2Image)
        return model

    def image2text(self, ref: str) -> Image2Text:
        """Returns the image-to-text model at this address; raises as `text2image` does."""
        model = self._get(ref, "image2text")
        assert isinstance(model, Image2Text)
        return model

    def embedder(self, ref: str) -> Embedder:
        """Returns the embedder at this address; raises as `text2image` does."""
        model = self._get(ref, "embedder")
        assert isinstance(model, Embedder)
        return model

    def image_editor(self, ref: str) -> ImageEditor:
        """Returns the image editor at this address, which may draw as well; raises as `text2image` does."""
        parsed = parse_ref(ref)
        provider = self._provider(parsed.provider) if parsed.provider in self._points() else None
        if not isinstance(provider, EditorProvider) or parsed.name not in provider.editors():
            model = self._get(ref, "image_editor")
            assert isinstance(model, ImageEditor)
            return model
        key = (str(parsed), settings.load().weights_dir)
        with self._lock:
            if key not in self._editors:
                with errors_of_plugin(f"The provider {parsed.provider!r} cannot make the editor {parsed.name!r}"):
                    self._editors[key] = provider.make_editor(parsed.name, dict(parsed.options))
                self._editors[key].ref = str(parsed)
            return self._editors[key]

    def load_model(self, ref: str) -> Model:
        """Returns the model at this address, of any kind; of one that draws and edits, the one that draws.

        Raises:
            UnknownModel: there is no model at this address.
            UsageError: an option is invalid, or its provider cannot be loaded.
        """
        parsed = parse_ref(ref)
        key = (str(parsed), settings.load().weights_dir)
        with self._lock:
            if key not in self._models:
                self._models[key] = self._make(parsed)
            return self._models[key]

    def perfect_partner(self, ref: str, kind: ModelKind) -> str:
        """Returns the address of the lossless model of the other kind that a model is paired with in control games.

        Args:
            ref: address of the model; it need not be loadable.
            kind: its kind, text2image or image2text.
        """
        parsed = parse_ref(ref)
        address = f"{parsed.provider}/{parsed.name}"
        cards = self._cards(parsed.provider) if parsed.provider in self._points() else []
        named = [card.perfect_partner for card in cards if card.ref == address and card.perfect_partner]
        return named[0] if named else _WORLD_PARTNERS[kind]

    def cards(self) -> list[ModelCard]:
        """Returns the cards of all providers that can be loaded, sorted by provider."""
        found: list[ModelCard] = []
        for name in sorted(self._points()):
            try:
                found += self._cards(name)
            except UsageError:
                continue  # reported by `problems`, and when one of its models is requested
        return found

    def problems(self) -> dict[str, str]:
        """Returns the errors of providers that cannot be loaded and of packages whose entry points cannot be read."""
        errors = {name: reason for group in self.groups for name, reason in find_entry_points(group)[1].items()}
        for name in sorted(self._points()):
            try:
                self._cards(name)
            except UsageError as error:
                errors[name] = str(error)
        return errors

    def _get(self, ref: str, kind: ModelKind) -> Model:
        model = self.load_model(ref)
        actual = kind_of(model)
        if actual != kind:
            raise UsageError(
                f"{parse_ref(ref)} is {_ABILITIES[actual]}, not {_ABILITIES[kind]}: load it with {actual}(), or choose"
                " another model."
            )
        return model

    def _make(self, ref: Ref) -> Model:
        if ref.provider not in self._points() or not ref.name:
            raise self._unknown(ref)
        provider = self._provider(ref.provider)
        with errors_of_plugin(f"The provider {ref.provider!r} cannot make {ref.name!r}"):
            model = provider.make(ref.name, dict(ref.options))
        kind_of(model)
        model.ref = str(ref)
        return model

    def _unknown(self, ref: Ref) -> UsageError:
        address = f"{ref.provider}/{ref.name}" if ref.name else ref.provider
        error = unknown_model(address, [card.ref for card in self.cards()])
        providers = sorted(self._points())
        if ref.name and ref.provider not in providers:
            return type(error)(f"There is no provider {ref.provider!r}.{suggestion(ref.provider, providers)} {error}")
        return error

    def _cards(self, name: str) -> list[ModelCard]:
        """Returns the cards of a provider.

        Raises:
            UsageError: it cannot be loaded, or its cards cannot be read.
        """
        provider = self._provider(name)
        with errors_of_plugin(f"The provider {name!r} cannot list its models"):
            cards = list(provider.cards())
        if not all(isinstance(card, ModelCard) for card in cards):
            raise UsageError(f"The provider {name!r} lists something other than model cards: repair its package.")
        return cards

    def _provider(self, name: str) -> Provider:
        with self._lock:
            if name not in self._providers:
                self._providers[name] = _load(name, self._points()[name])
            return self._providers[name]

    def _points(self) -> dict[str, list[EntryPoint]]:
        """Returns the distinct entry points by name; an installation that is listed twice counts once."""
        points: dict[str, list[EntryPoint]] = {}
        for group in self.groups:
            own: dict[str, list[EntryPoint]] = {}
            for point in find_entry_points(group)[0]:
                same = own.setdefault(point.name, [])
                if point.value not in [other.value for other in same]:
                    same.append(point)
            points = own | points
        return points


def _load(name: str, points: list[EntryPoint]) -> Provider:
    if len(points) > 1:
        values = " and ".join(point.value for point in points)
        raise UsageError(f"Two packages register the provider {name!r} ({values}): uninstall one of them.")
    with errors_of_plugin(f"The provider {name!r} cannot be loaded"):
        provider: Provider = points[0].load()
    if not all(callable(getattr(provider, method, None)) for method in ("cards", "make")) or isinstance(provider, type):
        raise UsageError(
            f"The provider {name!r} ({points[0].value}) has no methods cards and make: repair its package."
        )
    return provider


_registry = Registry()


def text2image(ref: str) -> Text2Image:
    """Returns the text-to-image model at an address such as `pocket/stable-diffusion?steps=20`; one a process.

    Raises:
        UnknownModel: there is no model at this address.
        UsageError: it is of another kind, an option is invalid, or its provider cannot be loaded.
    """
    return _registry.text2image(ref)


def image2text(ref: str) -> Image2Text:
    """Returns the image-to-text model at an address such as `pocket/blip`; raises as `text2image` does."""
    return _registry.image2text(ref)


def embedder(ref: str) -> Embedder:
    """Returns the embedder at an address such as `minilm/all-MiniLM-L6-v2`; raises as `text2image` does."""
    return _registry.embedder(ref)


def image_editor(ref: str) -> ImageEditor:
    """Returns the image editor at an address such as `pocket/dalle-2?operation=variation`; raises as `text2image`."""
    return _registry.image_editor(ref)


def load_model(ref: str) -> Model:
    """Returns the model at an address, of any kind; raises as `text2image` does."""
    return _registry.load_model(ref)


def perfect_partner(ref: str, kind: ModelKind) -> str:
    """Returns the address of the lossless model that a model is paired with; see `Registry.perfect_partner`."""
    return _registry.perfect_partner(ref, kind)


def list_models() -> list[ModelCard]:
    """Returns one card for each model of this installation."""
    return _registry.cards()


def problems() -> dict[str, str]:
    """Returns, for each provider that cannot be loaded, the reason in one sentence."""
    return _registry.problems()

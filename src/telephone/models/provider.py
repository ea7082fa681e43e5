"""The `Provider` protocol, and `Catalogue`, the provider that is a table of names, factories and options."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from telephone.core.errors import UnknownModel, UsageError
from telephone.models.base import ImageEditor, Model, ModelKind

Parser = Callable[[str], object]
"""Converts the text of an option to its value, or raises ValueError."""


@dataclass(frozen=True)
class ModelCard:
    """One row of the list of models."""

    ref: str
    """The address, `provider/name`."""
    kind: ModelKind
    summary: str
    """A short description without a full stop."""
    options: tuple[str, ...] = ()
    """The options that may follow the address after a question mark."""
    perfect_partner: str = ""
    """Address of the lossless model of the other kind that this model is paired with in control games; empty is the
    renderer or the reader of the pocket world."""


class Provider(Protocol):
    """What an entry point of the group `telephone.models` names: a source of models."""

    @property
    def name(self) -> str:
        """The part of an address before the first slash."""

    def cards(self) -> list[ModelCard]:
        """Returns one card a model; cheap, no weights are loaded."""

    def make(self, name: str, options: Mapping[str, str]) -> Model:
        """Returns a model, which should load its weights at its first call.

        Args:
            name: the part of the address after the first slash.
            options: the part of the address after the question mark, values as text.

        Raises:
            UnknownModel: there is no model of this name.
            UsageError: an option is unknown or its value is invalid.
        """


@runtime_checkable
class EditorProvider(Protocol):
    """A provider some of whose addresses serve image editors beside models of another kind."""

    def editors(self) -> Iterable[str]:
        """Returns the names of these addresses."""

    def make_editor(self, name: str, options: Mapping[str, str]) -> ImageEditor:
        """Returns the editor at an address; arguments and errors are those of `Provider.make`."""


@dataclass(frozen=True)
class Entry:
    """One model of a `Catalogue`."""

    kind: ModelKind
    summary: str
    factory: Callable[..., Model]
    """Called with the options as keywords; heavy imports belong inside."""
    options: Mapping[str, Parser] = field(default_factory=dict)
    perfect_partner: str = ""
    """See `ModelCard.perfect_partner`."""
    editor: Callable[..., ImageEditor] | None = None
    """The image editor at the same address, called with its options as keywords; None if there is none."""
    editor_options: Mapping[str, Parser] = field(default_factory=dict)
    """Options of the editor, which are not those of the model."""


@dataclass(frozen=True)
class Catalogue:
    """A provider that is a table; it satisfies `Provider`."""

    name: str
    entries: Mapping[str, Entry]

    def cards(self) -> list[ModelCard]:
        """Returns one card an entry, in the order of the table."""
        return [
            ModelCard(
                f"{self.name}/{name}", entry.kind, entry.summary, tuple(sorted(entry.options)), entry.perfect_partner
            )
            for name, entry in self.entries.items()
        ] + [
            ModelCard(
                f"{self.name}/{name}",
                "image_editor",
                self.entries[name].summary,
                tuple(sorted(self.entries[name].editor_options)),
            )  # fmt: skip
            for name in self.editors()
        ]

    def make(self, name: str, options: Mapping[str, str]) -> Model:
        """Returns a model.

        Raises:
            UnknownModel: there is no entry of this name.
            UsageError: an option is unknown or its value is invalid.
        """
        if name not in self.entries:
            raise unknown_model(f"{self.name}/{name}", [card.ref for card in self.cards()])
        entry = self.entries[name]
        values = {key: self._value(name, entry.options, key, text) for key, text in options.items()}
        return entry.factory(**values)

    def editors(self) -> list[str]:
        """Returns the names of entries that have an editor beside their model."""
        return [name for name, entry in self.entries.items() if entry.editor is not None]

    def make_editor(self, name: str, options: Mapping[str, str]) -> ImageEditor:
        """Returns the editor of an entry; raises `UsageError` as `make` does."""
        entry = self.entries[name]
        assert entry.editor is not None
        return entry.editor(
            **{key: self._value(name, entry.editor_options, key, text) for key, text in options.items()}
        )

    def _value(self, name: str, known_options: Mapping[str, Parser], key: str, text: str) -> object:
        if key not in known_options:
            known = ", ".join(sorted(known_options)) or "none"
            raise UsageError(
                f"{self.name}/{name} has no option {key!r}; its options are: {known}.{suggestion(key, known_options)}"
            )
        try:
            return known_options[key](text)
        except ValueError as error:
            raise UsageError(f"The option {key}={text} of {self.name}/{name} cannot be used: {error}.") from error


def unknown_model(ref: str, known: Iterable[str]) -> UnknownModel:
    """Returns the error for an address without a model, with similar names and the list of all."""
    refs = sorted(set(known))  # a provider of third-party models has one address for several kinds
    listed = ", ".join(refs) or "none"
    return UnknownModel(f"There is no model {ref!r}.{suggestion(ref, refs)} The models are: {listed}.")


def suggestion(word: str, known: Iterable[str]) -> str:
    """Returns ` Did you mean x or y?`, or an empty text if no name is similar.

    Args:
        word: the unknown name.
        known: the valid names; of an address, the part after the slash is compared as well.
    """
    refs = sorted(set(known))
    tails = {ref.partition("/")[2]: ref for ref in refs if "/" in ref}
    found = difflib.get_close_matches(word, refs, n=3, cutoff=0.7)
    found += [tails[tail] for tail in difflib.get_close_matches(word.rpartition("/")[2], tails, n=3, cutoff=0.7)]
    return f" Did you mean {' or '.join(dict.fromkeys(found))}?" if found else ""


def integer(low: int, high: int) -> Parser:
    """Returns a parser of integers from `low` to `high`, both included."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise ValueError(f"give a whole number from {low} to {high}")
        return value

    return parse


def number(low: float, high: float) -> Parser:
    """Returns a parser of numbers from `low` to `high`, both included."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:  # also true for nan
            raise ValueError(f"give a number from {low:g} to {high:g}")
        return value

    return parse


def choice(*words: str) -> Parser:
    """Returns a parser that accepts one of a few words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"give one of: {', '.join(words)}")
        return text

    return parse

"""The models that a server offers, their names, and how each is called."""

import copy
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from telephone.core.errors import UsageError
from telephone.models import (
    Embedder,
    Image2Text,
    Model,
    ModelKind,
    Text2Image,
    Traits,
    generate_images,
    generate_texts,
    kind_of,
    load_model,
)

MAX_COPIES = 16
"""Copies of a remote model that are kept, one for each instruction."""


@dataclass(eq=False)
class ServedModel:
    """A model that is served."""

    name: str
    """Its name for clients."""
    ref: str
    """Its address with options."""
    model: Model
    kind: ModelKind
    traits: Traits
    _copies: OrderedDict[str, Image2Text] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def provider(self) -> str:
        """The provider, first part of its address."""
        return self.ref.partition("/")[0]

    @property
    def queue(self) -> str:
        """Name of its queue: models on one device share a queue, each remote model has its own."""
        return f"remote {self.name}" if self.traits.device == "remote" else self.traits.device

    def answer(self, items: Sequence[Any], seeds: Sequence[int], task: str) -> list[Any]:
        """Returns one result or one `ModelError` per item.

        Args:
            items: texts for a text-to-image model or an embedder, PIL images for an image-to-text model.
            seeds: one per item, in [0, 2**32).
            task: instruction for an image-to-text model; empty is its default.

        Raises:
            TelephoneError: the whole call failed. Other exceptions come from the model.
        """
        model = self.model
        if isinstance(model, Text2Image):
            return list(generate_images(model, items, seeds))
        if isinstance(model, Image2Text):
            return self._describe(model, items, seeds, task)
        assert isinstance(model, Embedder)
        return list(model.embed_texts(list(items)))

    def _describe(self, model: Image2Text, items: Sequence[Any], seeds: Sequence[int], task: str) -> list[Any]:
        if not task or task == model.task_description:
            return list(generate_texts(model, items, seeds))
        if self.traits.concurrency > 1:
            return list(generate_texts(self._copy_with_task(model, task), items, seeds))
        own = model.task_description
        model.task_description = task  # no other call runs at the same time: the queue of a local model has one worker
        try:
            return list(generate_texts(model, items, seeds))
        finally:
            model.task_description = own

    def _copy_with_task(self, model: Image2Text, task: str) -> Image2Text:
        """Returns a copy with another instruction, because the model itself is in use by other threads."""
        with self._lock:
            if task not in self._copies:
                made = copy.copy(model)
                made.task_description = task
                self._copies[task] = made
            self._copies.move_to_end(task)
            while len(self._copies) > MAX_COPIES:
                self._copies.popitem(last=False)
            return self._copies[task]


def load_served_models(refs: Sequence[str]) -> dict[str, ServedModel]:
    """Loads models and returns them by name.

    Args:
        refs: addresses, or `name=address`; the default name is the address without options.

    Raises:
        UsageError: the list is empty, two models have one name, an address is wrong, or a model lacks something.
        WeightsError: the weights of a model are missing.
    """
    if not refs:
        raise UsageError("There is no model to serve: name one, such as pocket/blip; `telephone players` lists them.")
    served: dict[str, ServedModel] = {}
    for text in refs:
        target = _load(text)
        if target.name in served:
            raise UsageError(
                f"Two models have the name {target.name!r}: give one of them another, as in mine={target.ref}."
            )
        served[target.name] = target
    return served


def _load(text: str) -> ServedModel:
    name, ref = _parts(text)
    made = load_model(ref)
    lacks = made.lacks() if hasattr(made, "lacks") else ""
    if lacks:
        raise UsageError(lacks)
    return ServedModel(name or made.ref.partition("?")[0], made.ref, made, kind_of(made), made.traits())


def _parts(text: str) -> tuple[str, str]:
    """An equals sign active an address belongs to its options, and a name holds no slash."""
    name, equals, ref = text.strip().partition("=")
    if not equals or "/" in name or "?" in name:
        return "", text.strip()
    if not name.strip() or not name.isprintable() or len(name) > 100:
        raise UsageError(f"The name before the equals sign of {text!r} is invalid: use up to 100 printable characters.")
    return name.strip(), ref

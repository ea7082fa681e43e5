"""Who is served: the players, the names under which clients ask for them, and how one is called."""

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

COPIES = 16
"""Copies of a player on another machine that are kept, one for each request in words."""


@dataclass(eq=False)
class Guest:
    """A player that is served."""

    name: str
    """What clients call it."""
    ref: str
    """Its address, with options."""
    player: Model
    kind: ModelKind
    traits: Traits
    _copies: OrderedDict[str, Image2Text] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def provider(self) -> str:
        """The first part of its address."""
        return self.ref.partition("/")[0]

    @property
    def lane(self) -> str:
        """Whose turn it shares: players on one device take turns, each on another machine goes its own way."""
        return f"remote {self.name}" if self.traits.device == "remote" else self.traits.device

    def answer(self, items: Sequence[Any], seeds: Sequence[int], task: str) -> list[Any]:
        """Returns one result an item, or the `ModelError` that takes its place.

        Args:
            items: texts for a painter or an embedder, pictures for a describer.
            seeds: one an item, in [0, 2**32).
            task: what to ask of a describer; empty is its own request.

        Raises:
            TelephoneError: the whole call failed; every other exception is the player's own.
        """
        one = self.player
        if isinstance(one, Text2Image):
            return list(generate_images(one, items, seeds))
        if isinstance(one, Image2Text):
            return self._describe(one, items, seeds, task)
        assert isinstance(one, Embedder)
        return list(one.embed_texts(list(items)))

    def _describe(self, one: Image2Text, items: Sequence[Any], seeds: Sequence[int], task: str) -> list[Any]:
        if not task or task == one.task_description:
            return list(generate_texts(one, items, seeds))
        if self.traits.concurrency > 1:
            return list(generate_texts(self._asked(one, task), items, seeds))
        own = one.task_description
        one.task_description = task  # nobody else asks this player now: its lane sees to that
        try:
            return list(generate_texts(one, items, seeds))
        finally:
            one.task_description = own

    def _asked(self, one: Image2Text, task: str) -> Image2Text:
        """Returns a copy with another request, because the player itself is being asked in other threads."""
        with self._lock:
            if task not in self._copies:
                made = copy.copy(one)
                made.task_description = task
                self._copies[task] = made
            self._copies.move_to_end(task)
            while len(self._copies) > COPIES:
                self._copies.popitem(last=False)
            return self._copies[task]


def invite(refs: Sequence[str]) -> dict[str, Guest]:
    """Returns the players by name, ready to be asked.

    Args:
        refs: addresses, or `name=address`; without a name a player is called by its address without options.

    Raises:
        UsageError: there is none, two have one name, an address is wrong, or a player lacks something.
        WeightsError: a player's weights are missing.
    """
    if not refs:
        raise UsageError("There is nobody to serve: name players, such as pocket/blip; `telephone players` lists them.")
    guests: dict[str, Guest] = {}
    for text in refs:
        guest = _guest(text)
        if guest.name in guests:
            raise UsageError(f"Two players would be called {guest.name!r}: name one of them, as in mine={guest.ref}.")
        guests[guest.name] = guest
    return guests


def _guest(text: str) -> Guest:
    name, ref = _parts(text)
    made = load_model(ref)
    lacks = made.lacks() if hasattr(made, "lacks") else ""
    if lacks:
        raise UsageError(lacks)
    return Guest(name or made.ref.partition("?")[0], made.ref, made, kind_of(made), made.traits())


def _parts(text: str) -> tuple[str, str]:
    """An equals sign inside an address belongs to its options, and a name holds no slash."""
    name, equals, ref = text.strip().partition("=")
    if not equals or "/" in name or "?" in name:
        return "", text.strip()
    if not name.strip() or not name.isprintable() or len(name) > 100:
        raise UsageError(f"The name before the equals sign of {text!r} cannot be used: give plain characters.")
    return name.strip(), ref

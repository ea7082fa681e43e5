"""Reads rosters: the shipped ones by name, custom ones by the path of a JSON file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from telephone.core.errors import UsageError
from telephone.models.provider import suggestion

PlayedKind = Literal["text2image", "image2text"]
POCKET = "pocket"
"""The roster that is derived from the declarations of the pocket nets."""
POCKET_CHECKED = "2026-11-21"


@dataclass(frozen=True)
class RosterEntry:
    """One model of a roster."""

    ref: str
    """Its address."""
    kind: PlayedKind
    name: str
    """Its common name."""
    note: str = ""
    """A remark without a full stop."""
    needs: tuple[str, ...] = ()
    """What it requires: a key, a package, weights."""
    retired: str = ""
    """The date from which its provider no longer serves it; empty if it is served, or if that is unknown."""
    stand_in: str = ""
    """The address of a model that may replace it."""


@dataclass(frozen=True)
class ModelRoster:
    """A named list of models to play with."""

    name: str
    summary: str
    """A short description without a full stop."""
    members: tuple[RosterEntry, ...]
    checked: str = ""
    """The date of the last check of the entries, YYYY-MM-DD."""
    source: str = ""
    """Where it comes from."""

    def refs(self, kind: PlayedKind, stand_ins: bool = False) -> tuple[str, ...]:
        """Returns the addresses of the models of one kind.

        Args:
            kind: text2image or image2text.
            stand_ins: whether retired models are replaced by their stand-ins.

        Raises:
            UsageError: a model is retired, and stand-ins are not allowed or there is none.
        """
        return tuple(self._ref(member, stand_ins) for member in self.members if member.kind == kind)

    def _ref(self, member: RosterEntry, stand_ins: bool) -> str:
        if not member.retired:
            return member.ref
        retired = f"{member.ref} of the roster {self.name} is retired since {member.retired}"
        if not member.stand_in:
            raise UsageError(f"{retired} and has no stand-in: name the other models with --t2i and --i2t.")
        if not stand_ins:
            raise UsageError(f"{retired}: add --stand-ins to play with {member.stand_in} instead.")
        return member.stand_in


def list_rosters() -> list[ModelRoster]:
    """Returns the shipped rosters, sorted by name."""
    return [load_roster(name) for name in _names()]


def load_roster(name: str) -> ModelRoster:
    """Returns a roster.

    Args:
        name: of a shipped one such as `pocket`, or the path of a file that ends in .json.

    Raises:
        UsageError: there is no such roster, or the file is not one.
    """
    if name.endswith(".json"):
        return _from_file(Path(name))
    if name == POCKET:
        return _pocket()
    if name not in _names():
        raise UsageError(
            f"There is no roster {name!r}.{suggestion(name, _names())} The rosters are: {', '.join(_names())};"
            " or give the path of a .json file."
        )
    return _parse((files(__package__) / f"{name}.json").read_text(encoding="utf-8"), name)


def _pocket() -> ModelRoster:
    from telephone.models.pocket.catalogue import NETS, provider

    members = tuple(
        RosterEntry(f"{provider.name}/{net.name}", net.kind, net.name, net.roster)
        for net in NETS
        if net.roster and (net.kind == "text2image" or net.kind == "image2text")
    )
    summary = "the shipped models of the pocket world: no key, no GPU, no network"
    return ModelRoster(POCKET, summary, members, POCKET_CHECKED)


def _names() -> list[str]:
    found = (entry.name for entry in files(__package__).iterdir())
    return sorted([POCKET, *(name.removesuffix(".json") for name in found if name.endswith(".json"))])


def _from_file(path: Path) -> ModelRoster:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The roster {path} cannot be read ({error}): give a JSON file in UTF-8.") from error
    return _parse(text, str(path))


def _parse(text: str, where: str) -> ModelRoster:
    try:
        plain: Any = json.loads(text)
        if not isinstance(plain, dict):
            raise ValueError("it is not an object")
        rows = plain["models"] if "models" in plain else plain["players"]  # the key of earlier versions
        members = tuple(_entry(row) for row in rows)
        texts = {key: _text(plain, key, "") for key in ("summary", "checked", "source")}
        return ModelRoster(name=_text(plain, "name", Path(where).stem), members=members, **texts)
    except (ValueError, KeyError, TypeError) as error:
        missing = "models" if isinstance(error, KeyError) and error.args[0] == "players" else error.args[0]
        reason = f"{missing} is missing" if isinstance(error, KeyError) else str(error)
        raise UsageError(
            f"The roster {where} cannot be used ({reason}): write it like the shipped ones, with a list of models that"
            " each have ref and kind."
        ) from error


def _entry(row: Any) -> RosterEntry:
    if not isinstance(row, dict):
        raise ValueError("a model is not an object")
    unknown = set(row) - {field.name for field in fields(RosterEntry)}
    if unknown:
        raise ValueError(f"a model has the unknown key {min(unknown)!r}")
    kind = row["kind"]
    if kind not in ("text2image", "image2text"):
        raise ValueError(f"the kind {kind!r} is neither text2image nor image2text")
    needs = row.get("needs", [])
    if not isinstance(needs, list) or not all(isinstance(need, str) for need in needs):
        raise ValueError("needs is not a list of texts")
    ref = _text(row, "ref")
    texts = {key: _text(row, key, "") for key in ("note", "retired", "stand_in")}
    return RosterEntry(ref, kind, _text(row, "name", ref), needs=tuple(needs), **texts)


def _text(row: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = row[key] if default is None else row.get(key, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise ValueError(f"{key} is not a text")
    return value

"""Reads rosters: the shipped ones by name, somebody's own by the path of a JSON file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from telephone.core.errors import UsageError
from telephone.models.provider import suggestion

Kind = Literal["text2image", "image2text"]


@dataclass(frozen=True)
class Member:
    """One player of a roster."""

    ref: str
    """Its address."""
    kind: Kind
    name: str
    """What people call it."""
    note: str = ""
    """What is worth knowing, without a full stop."""
    needs: tuple[str, ...] = ()
    """What must be there before it can be called: a key, a package, weights."""
    retired: str = ""
    """The date from which its provider no longer answers; empty if it does, or if nobody has said."""
    stand_in: str = ""
    """The address of a player that may take its place."""


@dataclass(frozen=True)
class Lineup:
    """A roster."""

    name: str
    summary: str
    """What it is, in a few words, no full stop."""
    members: tuple[Member, ...]
    checked: str = ""
    """The date on which somebody last looked whether the entries are right."""
    source: str = ""
    """Where it comes from."""

    def refs(self, kind: Kind, stand_ins: bool = False) -> tuple[str, ...]:
        """Returns the addresses of those who draw, or of those who describe.

        Args:
            kind: whose.
            stand_ins: whether stand-ins take the places of those who can no longer be called.

        Raises:
            UsageError: somebody can no longer be called, and nobody is allowed to stand in, or there is nobody.
        """
        return tuple(self._ref(member, stand_ins) for member in self.members if member.kind == kind)

    def _ref(self, member: Member, stand_ins: bool) -> str:
        if not member.retired:
            return member.ref
        gone = f"{member.ref} of the roster {self.name} can no longer be called since {member.retired}"
        if not member.stand_in:
            raise UsageError(f"{gone}, and nobody stands in: name the others with --t2i and --i2t.")
        if not stand_ins:
            raise UsageError(f"{gone}: add --stand-ins to play with {member.stand_in} in its place.")
        return member.stand_in


def lineups() -> list[Lineup]:
    """Returns the shipped rosters, sorted by name."""
    return [lineup(name) for name in _names()]


def lineup(name: str) -> Lineup:
    """Returns a roster.

    Args:
        name: of a shipped one such as `pocket`, or the path of a file that ends in .json.

    Raises:
        UsageError: there is no such roster, or the file is not one.
    """
    if name.endswith(".json"):
        return _from_file(Path(name))
    if name not in _names():
        raise UsageError(
            f"There is no roster {name!r}.{suggestion(name, _names())} The rosters are: {', '.join(_names())};"
            " or give the path of a .json file."
        )
    return _read((files(__package__) / f"{name}.json").read_text(encoding="utf-8"), name)


def _names() -> list[str]:
    found = (entry.name for entry in files(__package__).iterdir())
    return sorted(name.removesuffix(".json") for name in found if name.endswith(".json"))


def _from_file(path: Path) -> Lineup:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The roster {path} cannot be read ({error}): give a file of JSON in UTF-8.") from error
    return _read(text, str(path))


def _read(text: str, where: str) -> Lineup:
    try:
        plain: Any = json.loads(text)
        if not isinstance(plain, dict):
            raise ValueError("it is not an object")
        members = tuple(_member(row) for row in plain["players"])
        words = {key: _word(plain, key, "") for key in ("summary", "checked", "source")}
        return Lineup(name=_word(plain, "name", Path(where).stem), members=members, **words)
    except (ValueError, KeyError, TypeError) as error:
        said = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise UsageError(
            f"The roster {where} cannot be used ({said}): write it like the shipped ones, with a list of players that"
            " each have ref and kind."
        ) from error


def _member(row: Any) -> Member:
    if not isinstance(row, dict):
        raise ValueError("a player is not an object")
    strange = set(row) - {field.name for field in fields(Member)}
    if strange:
        raise ValueError(f"a player has {min(strange)!r}, which is not known")
    kind = row["kind"]
    if kind not in ("text2image", "image2text"):
        raise ValueError(f"the kind {kind!r} is neither text2image nor image2text")
    needs = row.get("needs", [])
    if not isinstance(needs, list) or not all(isinstance(need, str) for need in needs):
        raise ValueError("needs is not a list of texts")
    ref = _word(row, "ref")
    words = {key: _word(row, key, "") for key in ("note", "retired", "stand_in")}
    return Member(ref, kind, _word(row, "name", ref), needs=tuple(needs), **words)


def _word(row: Mapping[str, Any], key: str, usual: str | None = None) -> str:
    value = row[key] if usual is None else row.get(key, usual)
    if not isinstance(value, str) or (usual is None and not value.strip()):
        raise ValueError(f"{key} is not a text")
    return value

"""One result of a check."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "lacks", "gone", "note"]
"""Usable; missing, but can be installed; no longer available; information."""


@dataclass(frozen=True)
class Finding:
    """A line of the report. Never holds a key, nor how long one is."""

    section: str
    name: str
    state: State
    detail: str = ""
    fix: str = ""
    """The command or the step that fixes it."""
    needed: bool = False
    """Whether the pocket battle cannot be played without it."""


def playable(findings: Iterable[Finding]) -> bool:
    """Returns whether the pocket battle can be played: nothing that it needs is missing."""
    return all(finding.state == "ok" for finding in findings if finding.needed)

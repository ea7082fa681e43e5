"""One thing that was looked at, and how it stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "lacks", "gone", "note"]
"""Fit; not here, but can be; can no longer be had; a plain fact."""


@dataclass(frozen=True)
class Finding:
    """A line of the report. Never holds a key, nor how long one is."""

    section: str
    name: str
    state: State
    detail: str = ""
    mend: str = ""
    """The command or the step that mends a lack."""
    needed: bool = False
    """Whether the pocket battle cannot be played without it."""


def playable(findings: Iterable[Finding]) -> bool:
    """Returns whether the pocket battle can be played: nothing that it needs is lacking."""
    return all(finding.state == "ok" for finding in findings if finding.needed)

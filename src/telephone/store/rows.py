"""What a run folder holds, as plain data: the description of the run, its games, scores, and what a check finds."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from telephone.core.errors import StoreDamaged
from telephone.core.images import content_hash
from telephone.core.records import Outcome, Prompt
from telephone.core.seeds import digest

FORMAT = 1
"""Number of the description's layout."""


@dataclass(frozen=True)
class ModelSpec:
    """A player as it was when the run began."""

    ref: str
    """Its address, with options."""
    kind: Literal["text2image", "image2text"]
    name: str
    """What tables call it; unique in the run."""
    fingerprint: str
    seeds: bool = True
    device: str = "cpu"
    batch_size: int = 1
    concurrency: int = 1
    max_tokens: int | None = None
    price: float | None = None
    service: str = ""
    """Whose limits and outages it shares."""
    per_minute: float | None = None

    @property
    def identity(self) -> tuple[str, str, str, bool]:
        """What decides its answers and the names of its rows."""
        return (self.ref, self.name, self.fingerprint, self.seeds)


@dataclass(frozen=True)
class RunExtension:
    """What was added to a run after it had begun; nothing that was there changes."""

    lines: tuple[tuple[str, str], ...] = ()
    prompts: tuple[str, ...] = ()
    """Ids of the new prompts."""
    turns: int = 10
    """Turns and repeats from then on."""
    repeats: int = 1
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""


@dataclass(frozen=True)
class RunSpec:
    """A run, resolved: enough to play it again, and written before its first call."""

    models: tuple[ModelSpec, ...]
    lines: tuple[tuple[str, str], ...]
    """Addresses of the drawing and the describing player, a pair a line."""
    prompts: tuple[Prompt, ...]
    turns: int = 10
    repeats: int = 1
    seed: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of Python and of the packages that decide results, when the run began."""
    commit: str = ""
    """Git commit of this package, if it runs from a checkout."""
    growth: tuple[RunExtension, ...] = ()
    """How it came to be more than it was when it began, the oldest first."""
    controls: tuple[tuple[str, str, str], ...] = ()
    """The lines that are no part of the battle but its yardstick: the two addresses and which control it is."""

    @property
    def control_lines(self) -> dict[tuple[str, str], str]:
        """Which control each line is that is one."""
        return {(t2i, i2t): kind for t2i, i2t, kind in self.controls}

    @property
    def identity(self) -> str:
        """Hash of what may not change in a run; more turns and more repeats continue it."""
        prompts = [_prompt_identity(prompt) for prompt in self.prompts]
        return digest(FORMAT, sorted(p.identity for p in self.models), self.lines, prompts, self.seed)

    def model(self, ref: str) -> ModelSpec:
        """Returns the player of this address; KeyError if there is none."""
        return {row.ref: row for row in self.models}[ref]

    def covers(self, old: "RunSpec") -> bool:
        """Tells whether everything of another run is in this one: then this one can go on in its folder."""
        return not self.lacks(old)

    def lacks(self, old: "RunSpec") -> str:
        """Returns in which words this one is not another run with more added, such as `players and seeds`."""
        mine = {row.ref: (row.kind, row.fingerprint, row.seeds) for row in self.models}
        prompts = {_prompt_identity(prompt) for prompt in self.prompts}
        lacking = {
            "players": any(mine.get(row.ref) != (row.kind, row.fingerprint, row.seeds) for row in old.models),
            "lines": not set(old.lines) <= set(self.lines),
            "prompts": not {_prompt_identity(prompt) for prompt in old.prompts} <= prompts,
            "seeds": old.seed != self.seed,
        }
        return " and ".join(word for word, wrong in lacking.items() if wrong)

    def grown(self, wish: "RunSpec") -> "RunSpec":
        """Returns this description with everything that a wish which covers it adds, and the longer of both lengths.

        What is there keeps its place and its name, so that tables and earlier games stay as they are.
        """
        refs, ids = {row.ref for row in self.models}, {prompt.id for prompt in self.prompts}
        names = {row.name for row in self.models}
        joining = [row for row in wish.models if row.ref not in refs]
        lines = tuple(line for line in wish.lines if line not in self.lines)
        prompts = tuple(prompt for prompt in wish.prompts if prompt.id not in ids)
        turns, repeats = max(self.turns, wish.turns), max(self.repeats, wish.repeats)
        controls = self._controls_with(wish)
        if not (lines or prompts) and (turns, repeats, controls) == (self.turns, self.repeats, self.controls):
            return self
        growth = RunExtension(lines, tuple(p.id for p in prompts), turns, repeats, wish.versions, wish.commit)
        return replace(
            self,
            models=self.models + tuple(replace(r, name=r.ref) if r.name in names else r for r in joining),
            lines=self.lines + lines,
            prompts=self.prompts + prompts,
            turns=turns,
            repeats=repeats,
            growth=(*self.growth, growth),
            controls=controls,
        )

    def _controls_with(self, wish: "RunSpec") -> tuple[tuple[str, str, str], ...]:
        """Returns the controls of both; a line that one of them plays in its battle is none."""
        battle = (set(self.lines) - set(self.control_lines)) | (set(wish.lines) - set(wish.control_lines))
        both = dict.fromkeys((*self.controls, *wish.controls))
        return tuple(row for row in both if (row[0], row[1]) not in battle)

    def to_json(self) -> str:
        """Returns the description as JSON; pictures of prompts are named by their hash."""
        plain = asdict(self) | {"format": FORMAT, "versions": dict(self.versions)}
        plain["players"] = plain.pop("models")
        plain["growth"] = [asdict(each) | {"versions": dict(each.versions)} for each in self.growth]
        plain["prompts"] = [
            {"id": p.id, "text": p.text, "level": p.level, "source": p.source, "image": _picture_hash(p)}
            for p in self.prompts
        ]
        return json.dumps(plain, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str, read_picture: Callable[[str], bytes]) -> "RunSpec":
        """Returns the description that `to_json` wrote.

        Args:
            text: the JSON.
            read_picture: gives the PNG bytes of a content hash, for image-first prompts.

        Raises:
            StoreDamaged: the text is not such a description, or a picture of it is missing.
        """
        try:
            plain: dict[str, Any] = json.loads(text)
            plain.pop("format")
            plain["models"] = tuple(ModelSpec(**row) for row in plain.pop("players"))
            plain["lines"] = tuple((t2i, i2t) for t2i, i2t in plain["lines"])
            plain["prompts"] = tuple(
                Prompt(**(row | {"image": read_picture(row["image"]) if row["image"] else None}))
                for row in plain["prompts"]
            )
            plain["controls"] = tuple((t2i, i2t, kind) for t2i, i2t, kind in plain.get("controls", ()))
            plain["growth"] = tuple(_growth(row) for row in plain.get("growth", ()))
            return cls(**plain)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreDamaged(
                f"The description of the run cannot be read ({error}): restore it from a copy."
            ) from error


@dataclass(frozen=True)
class GameRow:
    """One game of a run."""

    key: str
    """Full hash of what decides the game."""
    conversation: str
    """Its short name, unique in the run."""
    t2i: str
    """Address of the player that draws."""
    i2t: str
    """Address of the player that describes."""
    prompt_id: str
    seed: int
    repeat: int = 0


@dataclass(frozen=True)
class GameProgress:
    """Where a game stands on disk."""

    steps: int = 0
    """Number of hops written."""
    outcome: Outcome = Outcome.OK
    """How the last one ended."""
    result: str | None = None
    """Content hash of what the last one made."""


@dataclass(frozen=True)
class Score:
    """What a judge says of one artefact compared with another."""

    subject: str
    """Content hash of what is judged."""
    reference: str
    """Content hash of what it is compared with, as a rule the prompt's."""
    name: str
    """`distance`, or the name of a fact."""
    value: float | None
    """None is unscored, which is not 0; the detail says why."""
    detail: Any = None
    """Anything that JSON can hold."""


@dataclass(frozen=True)
class Problem:
    """Something that `verify` found."""

    where: str
    """A file, or a game and a step."""
    what: str
    """One sentence."""
    grave: bool = True
    """False for leftovers that harm nothing, such as the picture of a call that was cut off before its row."""


def _picture_hash(prompt: Prompt) -> str | None:
    return None if prompt.image is None else content_hash(prompt.image)


def _prompt_identity(prompt: Prompt) -> tuple[str, str, str, str, str | None]:
    return (prompt.id, prompt.text, prompt.level, prompt.first, _picture_hash(prompt))


def _growth(row: dict[str, Any]) -> RunExtension:
    lines = tuple((t2i, i2t) for t2i, i2t in row["lines"])
    return RunExtension(**(row | {"lines": lines, "prompts": tuple(row["prompts"])}))

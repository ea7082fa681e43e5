"""The specification of a run: models, pairs, prompts and lengths; written before the first call."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from telephone.core.errors import StoreDamaged, UsageError
from telephone.core.images import content_hash
from telephone.core.records import Artefact, Noise, Prompt
from telephone.core.seeds import digest

FORMAT = 1
"""Version of the JSON layout."""


@dataclass(frozen=True)
class ModelSpec:
    """A model as it was when the run began."""

    ref: str
    """Its address, with options."""
    kind: Literal["text2image", "image2text", "image_editor"]
    name: str
    """Its name in tables; unique in the run."""
    fingerprint: str
    seeds: bool = True
    device: str = "cpu"
    batch_size: int = 1
    concurrency: int = 1
    max_tokens: int | None = None
    price: float | None = None
    service: str = ""
    """The service whose limits and outages it shares."""
    per_minute: float | None = None
    deterministic: bool = False
    """Whether its results depend on the input alone."""

    @property
    def identity(self) -> tuple[str, str, str, bool]:
        """What decides its results and the names of its rows."""
        return (self.ref, self.name, self.fingerprint, self.seeds)


@dataclass(frozen=True)
class RunExtension:
    """What was added to a run after it had begun."""

    lines: tuple[tuple[str, str], ...] = ()
    prompts: tuple[str, ...] = ()
    """Ids of the new prompts."""
    turns: int = 10
    """Turns of a game from then on."""
    repeats: int = 1
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""


@dataclass(frozen=True)
class RunSpec:
    """A resolved run: everything that is needed to play it again."""

    models: tuple[ModelSpec, ...]
    lines: tuple[tuple[str, str], ...]
    """Pairs of models: addresses of the text-to-image and of the image-to-text model."""
    prompts: tuple[Prompt, ...]
    turns: int = 10
    repeats: int = 1
    seed: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of Python and of the packages that decide results, when the run began."""
    commit: str = ""
    """Git commit of this package, if it runs from a checkout."""
    growth: tuple[RunExtension, ...] = ()
    """What was added after the run had begun, the oldest extension first."""
    controls: tuple[tuple[str, str, str], ...] = ()
    """Pairs that are controls and not part of the battle: the two addresses and the kind of control."""
    noise: Noise = "fresh"
    """`fresh`: every turn of a game has a seed of its own. `fixed`: all turns have one, as in runs of format 1 that do
    not state it."""

    @property
    def control_lines(self) -> dict[tuple[str, str], str]:
        """The kind of control of each pair that is one."""
        return {(t2i, i2t): kind for t2i, i2t, kind in self.controls}

    @property
    def identity(self) -> str:
        """Hash of what may not change in a run; the numbers of turns and repeats may grow."""
        prompts = [_prompt_identity(prompt) for prompt in self.prompts]
        fresh = ("fresh",) if self.noise == "fresh" else ()
        return digest(FORMAT, sorted(p.identity for p in self.models), self.lines, prompts, self.seed, *fresh)

    def model(self, ref: str) -> ModelSpec:
        """Returns the model of this address.

        Raises:
            KeyError: the run has no such model.
        """
        return {row.ref: row for row in self.models}[ref]

    def covers(self, old: "RunSpec") -> bool:
        """Returns whether this specification contains another one, so that it can continue in its folder."""
        return not self.lacks(old)

    def lacks(self, old: "RunSpec") -> str:
        """Returns what differs from a run that this one should extend, such as `models and seeds`; empty if nothing."""
        mine = {row.ref: (row.kind, row.fingerprint, row.seeds) for row in self.models}
        prompts = {_prompt_identity(prompt) for prompt in self.prompts}
        lacking = {
            "models": any(mine.get(row.ref) != (row.kind, row.fingerprint, row.seeds) for row in old.models),
            "lines": not set(old.lines) <= set(self.lines),
            "prompts": not {_prompt_identity(prompt) for prompt in old.prompts} <= prompts,
            "seeds": old.seed != self.seed,
            "noise": old.noise != self.noise,
        }
        return _enumeration([word for word, wrong in lacking.items() if wrong])

    def grown(self, requested: "RunSpec") -> "RunSpec":
        """Returns this specification with everything that a requested one adds, and the longer of both lengths.

        What exists keeps its position and its name, so that tables and earlier games stay as they are.

        Args:
            requested: a specification that covers this one.
        """
        refs, ids = {row.ref for row in self.models}, {prompt.id for prompt in self.prompts}
        names = {row.name for row in self.models}
        joining = [row for row in requested.models if row.ref not in refs]
        lines = tuple(line for line in requested.lines if line not in self.lines)
        prompts = tuple(prompt for prompt in requested.prompts if prompt.id not in ids)
        turns, repeats = max(self.turns, requested.turns), max(self.repeats, requested.repeats)
        controls = self._controls_with(requested)
        if not (lines or prompts) and (turns, repeats, controls) == (self.turns, self.repeats, self.controls):
            return self
        growth = RunExtension(lines, tuple(p.id for p in prompts), turns, repeats, requested.versions, requested.commit)
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

    def with_models(self, models: Sequence[ModelSpec]) -> "RunSpec":
        """Returns this specification with models that are called without games; those that are there stay.

        Raises:
            UsageError: a pair of the run plays the model of this address with another fingerprint.
        """
        played = {ref: self.model(ref).fingerprint for line in self.lines for ref in line}
        rows = list(self.models)
        for row in models:
            if played.get(row.ref, row.fingerprint) != row.fingerprint:
                raise UsageError(
                    f"The games of the run were played by {row.ref} with other weights or options: choose another"
                    " folder."
                )
            if all(_model_identity(row) != _model_identity(each) for each in rows):
                rows.append(replace(row, name=_free_name(row.name, {each.name for each in rows})))
        return self if len(rows) == len(self.models) else replace(self, models=tuple(rows))

    def _controls_with(self, requested: "RunSpec") -> tuple[tuple[str, str, str], ...]:
        """Returns the controls of both; a pair that is in the battle of one of them is no control."""
        battle = (set(self.lines) - set(self.control_lines)) | (set(requested.lines) - set(requested.control_lines))
        both = dict.fromkeys((*self.controls, *requested.controls))
        return tuple(row for row in both if (row[0], row[1]) not in battle)

    def to_json(self) -> str:
        """Returns the specification as JSON; images of prompts are given by their hash."""
        plain = asdict(self) | {"format": FORMAT, "versions": dict(self.versions)}
        plain["players"] = plain.pop("models")
        plain["growth"] = [asdict(each) | {"versions": dict(each.versions)} for each in self.growth]
        plain["prompts"] = [
            {"id": p.id, "text": p.text, "level": p.level, "source": p.source, "image": _image_hash(p)}
            for p in self.prompts
        ]
        return json.dumps(plain, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str, read_image: Callable[[str], bytes]) -> "RunSpec":
        """Returns the specification that `to_json` wrote.

        Args:
            text: the JSON.
            read_image: returns the PNG bytes of a content hash, for image-first prompts.

        Raises:
            StoreDamaged: the text is no such specification, or an image of it is missing.
        """
        try:
            plain: dict[str, Any] = json.loads(text)
            plain.pop("format")
            plain["models"] = tuple(ModelSpec(**row) for row in plain.pop("players"))
            plain["lines"] = tuple((t2i, i2t) for t2i, i2t in plain["lines"])
            plain["prompts"] = tuple(
                Prompt(**(row | {"image": read_image(row["image"]) if row["image"] else None}))
                for row in plain["prompts"]
            )
            plain.setdefault("noise", "fixed")  # runs from before there was a choice
            plain["controls"] = tuple((t2i, i2t, kind) for t2i, i2t, kind in plain.get("controls", ()))
            plain["growth"] = tuple(_growth(row) for row in plain.get("growth", ()))
            return cls(**plain)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreDamaged(
                f"The specification of the run cannot be read ({error}): restore the folder from a copy."
            ) from error


def _model_identity(row: ModelSpec) -> tuple[str, str, str, bool]:
    return (row.ref, row.kind, row.fingerprint, row.seeds)


def _free_name(name: str, taken: Set[str]) -> str:
    """Returns the name, with the first number that makes it unique if it is taken."""
    numbered = (f"{name} ({number})" for number in itertools.count(2))
    return name if name not in taken else next(each for each in numbered if each not in taken)


def opening(prompt: Prompt) -> Artefact:
    """Returns the artefact with which the games of a prompt begin."""
    return Artefact("text", prompt.text.encode()) if prompt.image is None else Artefact("image", prompt.image)


def _image_hash(prompt: Prompt) -> str | None:
    return None if prompt.image is None else content_hash(prompt.image)


def _enumeration(words: list[str]) -> str:
    """Returns words as an enumeration: `models`, `models and seeds`, `models, lines and seeds`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _prompt_identity(prompt: Prompt) -> tuple[str, str, str, str, str | None]:
    return (prompt.id, prompt.text, prompt.level, prompt.first, _image_hash(prompt))


def _growth(row: dict[str, Any]) -> RunExtension:
    lines = tuple((t2i, i2t) for t2i, i2t in row["lines"])
    return RunExtension(**(row | {"lines": lines, "prompts": tuple(row["prompts"])}))

"""Floors: the distance between two good renderings of the same content, by each embedder.

No text can be expected to be nearer to its prompt than another good rendering of it. In the pocket world good
renderings are free: other wordings of the prompt's scene, and its true image, rendered twice. Elsewhere an
image-to-text model captions an image a second time (`telephone judge --again`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from telephone import world
from telephone.core.images import content_hash, encode_png
from telephone.core.records import Prompt
from telephone.core.seeds import derive
from telephone.judge.repeat_captions import RepeatedCaption, repeated_captions
from telephone.judge.scorer import Progress, Scorer, run_scorer
from telephone.judge.text_facts import why_uncounted
from telephone.judge.vectors import Vectors, embedded_kinds, text_hash
from telephone.store import Run, Score, ScorerRow, floor_scorer, opening

WORDINGS = "another wording of the same scene"
IMAGES = "the scene's true picture, drawn twice"
TRUE_IMAGE = "the scene's true picture"
REPEATED = "a second description of the same picture"
"""Where a floor comes from. These are stored: never reword one."""
RENDERINGS = 2
SIZE = 64
NO_DIRECTION = "The embedder returned a vector without a direction."
_LANG = "en"
_SEED_LABEL = "yardstick"
"""Part of the seeds of the true images: never change it."""


@dataclass(frozen=True)
class ReferenceRenderings:
    """Good renderings of a prompt of the pocket world."""

    prompt: Prompt

    @property
    def key(self) -> str:
        """Content hash of the prompt."""
        return opening(self.prompt).sha256

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Other wordings than the prompt's."""
        scene = world.parse(self.prompt.text)
        captions = (world.caption(scene, _LANG, wording) for wording in world.WORDINGS[_LANG])
        return tuple(dict.fromkeys(text for text in captions if text != self.prompt.text))

    @cached_property
    def images(self) -> dict[str, bytes]:
        """True images (PNG bytes) by content hash."""
        scene = world.parse(self.prompt.text)
        seeds = [derive(_SEED_LABEL, self.prompt.id, number) for number in range(RENDERINGS)]
        rendered = [encode_png(world.render(scene, size=SIZE, seed=seed)) for seed in seeds]
        return {content_hash(data): data for data in rendered}


@dataclass
class RenderingFloors(Scorer[ReferenceRenderings]):
    """Floors from good renderings of prompts."""

    vectors: Vectors

    def __post_init__(self) -> None:
        """Finds out what the embedder embeds."""
        self.chunk = 64
        self._kinds = embedded_kinds(self.vectors.embedder)

    @property
    def row(self) -> ScorerRow:
        """The scorer of the floors of an embedder."""
        return floor_scorer(self.vectors.row)

    def stored_key(self, score: Score) -> str:
        """Returns the prompt of a floor; floors of repeated captions are cases of `RepeatFloors`."""
        return "" if score.detail["from"] == REPEATED else score.reference

    def prepare(self, cases: Sequence[ReferenceRenderings]) -> None:
        """Embeds all renderings."""
        if "text" in self._kinds:
            self.vectors.add_texts([text for case in cases for text in (case.prompt.text, *case.texts)])
        if "image" in self._kinds:
            self.vectors.add_images({sha: data for case in cases for sha, data in case.images.items()})

    def score(self, cases: Sequence[ReferenceRenderings]) -> list[Score]:
        """Returns the floors of each mapping that the embedder can measure."""
        return [
            _floor(self.vectors, mapping, pair, case.key, source)
            for case in cases
            for mapping, pair, source in _pairs(case)
            if all(kind in self._kinds for kind in mapping.split("-"))
        ]


@dataclass
class RepeatFloors(Scorer[RepeatedCaption]):
    """Floors from second captions of the same image."""

    vectors: Vectors
    prompts: dict[str, str]
    """Content hash of each prompt by its id."""

    def __post_init__(self) -> None:
        """Writes floors of all captions at once: they are embedded before."""
        self.chunk = 512

    @property
    def row(self) -> ScorerRow:
        """The scorer of the floors of an embedder."""
        return floor_scorer(self.vectors.row)

    def stored_key(self, score: Score) -> tuple[str, str]:
        """Returns the hashes of both captions."""
        return score.subject, score.detail["with"]

    def prepare(self, cases: Sequence[RepeatedCaption]) -> None:
        """Embeds all captions."""
        self.vectors.add_texts([text for case in cases for text in (case.first, case.second)])

    def score(self, cases: Sequence[RepeatedCaption]) -> list[Score]:
        """Returns one floor a pair of captions."""
        return [_floor(self.vectors, "text-text", case.key, self.prompts[case.prompt_id], REPEATED) for case in cases]


def add_floors(run: Run, vectors: Vectors, progress: Progress | None = None) -> int:
    """Writes the floors of an embedder that are missing and returns the number of new cases.

    Args:
        run: the run.
        vectors: of the embedder.
        progress: receives the progress.

    Raises:
        ModelError: the embedder does not return vectors.
        StoreError: the scores cannot be written.
    """
    known = [ReferenceRenderings(prompt) for prompt in run.spec.prompts if not why_uncounted(prompt.text)]
    new = run_scorer(run, RenderingFloors(vectors), list({case.key: case for case in known}.values()), progress).new
    if "text" not in embedded_kinds(vectors.embedder):
        return new
    prompts = {prompt.id: opening(prompt).sha256 for prompt in run.spec.prompts}
    repeated = list({case.key: case for case in repeated_captions(run)}.values())
    return new + run_scorer(run, RepeatFloors(vectors, prompts), repeated).new


def _floor(vectors: Vectors, mapping: str, pair: tuple[str, str], prompt: str, source: str) -> Score:
    value = vectors.distance(*pair)
    detail = {"from": source, "with": pair[1]}
    return Score(pair[0], prompt, mapping, value, NO_DIRECTION if value is None else "", detail)


def _pairs(case: ReferenceRenderings) -> Iterator[tuple[str, tuple[str, str], str]]:
    """Yields mapping, pair of content hashes and source of each floor."""
    start, images = text_hash(case.prompt.text), list(case.images)
    yield from (("text-text", (text_hash(text), start), WORDINGS) for text in case.texts)
    yield from (("text-image", (sha, start), TRUE_IMAGE) for sha in images)
    yield from (("image-text", (text_hash(text), images[0]), TRUE_IMAGE) for text in (case.prompt.text, *case.texts))
    yield from (("image-image", pair, IMAGES) for pair in _combinations(images))


def _combinations(items: list[str]) -> Iterable[tuple[str, str]]:
    return ((items[i], items[j]) for j in range(len(items)) for i in range(j + 1, len(items)))

"""What a distance is worth: how far apart two tellings of one and the same thing already are, by each embedder.

No description can be nearer to its prompt than another good telling of it. In the pocket world good tellings cost
nothing: the other wordings of the scene that a prompt tells, and its true picture, drawn twice. Elsewhere a describer
is asked a second time about a picture that it has described (`telephone judge --again`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from telephone import world
from telephone.core.images import content_hash, encode_png
from telephone.core.records import Prompt
from telephone.core.seeds import derive
from telephone.judge.distance import cosine_distance
from telephone.judge.facts import why_uncounted
from telephone.judge.repeat_captions import seconds
from telephone.judge.vectors import Told, Vectors, sha_of, takes
from telephone.store import Run, Score, ScorerRow, floor_scorer, opening

WORDINGS = "another wording of the same scene"
PICTURES = "the scene's true picture, drawn twice"
TRUE = "the scene's true picture"
AGAIN = "a second description of the same picture"
DRAWINGS = 2
SIZE = 64
_LANG = "en"


@dataclass(frozen=True)
class Tellings:
    """Good tellings of what a prompt of the pocket world says."""

    prompt: Prompt

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The other wordings, those that are equal to the prompt left out."""
        scene = world.parse(self.prompt.text)
        told = (world.caption(scene, _LANG, wording) for wording in world.WORDINGS[_LANG])
        return tuple(dict.fromkeys(text for text in told if text != self.prompt.text))

    @cached_property
    def pictures(self) -> dict[str, bytes]:
        """True pictures (PNG bytes) by content hash."""
        scene = world.parse(self.prompt.text)
        seeds = [derive("yardstick", self.prompt.id, number) for number in range(DRAWINGS)]
        drawn = [encode_png(world.render(scene, size=SIZE, seed=seed)) for seed in seeds]
        return {content_hash(data): data for data in drawn}


def measure(run: Run, vectors: Vectors, told: Told | None = None) -> int:
    """Writes the floors of an embedder for every prompt in words of the pocket world; returns how many are new.

    Args:
        run: The run.
        vectors: Of the embedder.
        told: Is told how far it is.

    Raises:
        ModelError: the embedder does not return vectors.
        StoreError: the scores cannot be written.
    """
    identity = identity_of(vectors)
    there = {score.reference for score in run.scores(identity) if score.detail["from"] != AGAIN}
    known = [prompt for prompt in run.spec.prompts if not why_uncounted(prompt.text)]
    new = [Tellings(prompt) for prompt in known if _reference(prompt) not in there]
    kinds = takes(vectors.embedder)
    if "text" in kinds:
        vectors.texts([text for each in new for text in (each.prompt.text, *each.texts)], told)
    if "image" in kinds:
        vectors.pictures({sha: data for each in new for sha, data in each.pictures.items()}, told)
    run.put_scores(identity, [score for each in new for score in _floors(each, vectors)])
    return len(new) + (_measure_again(run, vectors) if "text" in kinds else 0)


def identity_of(vectors: Vectors) -> ScorerRow:
    """Returns the name under which the run keeps the yardsticks of an embedder."""
    return floor_scorer(vectors.row)


def floor(vectors: Vectors, mapping: str, pair: tuple[str, str], where: tuple[Prompt, str]) -> Score | None:
    """Returns the floor that two contents (hashes) tell, with the prompt and where they come from; None without one."""
    one, other = (vectors.known.get(sha) for sha in pair)
    value = None if one is None or other is None else cosine_distance(one, other)
    if value is None:
        return None
    detail = {"from": where[1], "with": pair[1]}
    return Score(pair[0], _reference(where[0]), mapping, value, detail=detail)


def _measure_again(run: Run, vectors: Vectors) -> int:
    prompts = {prompt.id: prompt for prompt in run.spec.prompts}
    identity = identity_of(vectors)
    there = {(score.subject, score.detail["with"]) for score in run.scores(identity)}
    pairs = {(sha_of(each.second), sha_of(each.first)): each for each in seconds(run)}
    new = {pair: each for pair, each in pairs.items() if pair not in there}
    vectors.texts([text for each in new.values() for text in (each.first, each.second)])
    found = [floor(vectors, "text-text", pair, (prompts[each.prompt_id], AGAIN)) for pair, each in new.items()]
    run.put_scores(identity, [score for score in found if score is not None])
    return len(new)


def _floors(each: Tellings, vectors: Vectors) -> Iterator[Score]:
    start, pictures = sha_of(each.prompt.text), list(each.pictures)
    wanted: list[tuple[str, tuple[str, str], str]] = [
        *(("text-text", (sha_of(text), start), WORDINGS) for text in each.texts),
        *(("text-image", (sha, start), TRUE) for sha in pictures),
        *(("image-text", (sha_of(text), pictures[0]), TRUE) for text in (each.prompt.text, *each.texts)),
        *(("image-image", (one, other), PICTURES) for one, other in _pairs(pictures)),
    ]
    for mapping, pair, where in wanted:
        found = floor(vectors, mapping, pair, (each.prompt, where))
        if found is not None:
            yield found


def _pairs(items: list[str]) -> Iterable[tuple[str, str]]:
    return ((items[i], items[j]) for j in range(len(items)) for i in range(j + 1, len(items)))


def _reference(prompt: Prompt) -> str:
    return opening(prompt).sha256

"""Every fact of every game, tracked from call to call: kept, lost, corrupted or restored; and invented facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from telephone import world
from telephone.analysis.tables.score_frames import hop_table, without_controls
from telephone.store.records import ScorerKind
from telephone.world.scene import Atom, Scene

if TYPE_CHECKING:
    from telephone.store import Run

STATES = {"k": "kept", "w": "wrong", "m": "missing", "u": "unknown"}
"""The letters that the fact judges store, one for each fact, and their meaning."""
BOTH = "both"
"""The kind of a step whose image was not read: image generation and captioning in one."""
_COUNTED = (ScorerKind.TEXT_FACTS, ScorerKind.IMAGE_FACTS)
_RECALL = {**dict.fromkeys(_COUNTED, "facts_recall"), ScorerKind.OPINION: "opinion_recall"}
"""The score whose detail has the letters, by kind of scorer."""
_GAME = ["game", "prompt_id", "level", "t2i_model", "i2t_model", "repeat", "first"]
COLUMNS = (*_GAME, "generation", "turn", "kind", "player", "atom", "attribute", "fact", "before", "state", "event")
SUBJECT_COLUMNS = ("game", "prompt_id", "level", "t2i_model", "i2t_model", "subject", "turn", "turns")
INVENTED = (*_GAME, "generation", "turn", "kind", "player", "stated", "invented", "new")


def track_facts(
    run: Run, frame: pd.DataFrame | None = None, mend: bool = True, opinion: str | None = None
) -> pd.DataFrame:
    """Returns one row for each fact of the prompt and each call of a game.

    Columns: `game, prompt_id, level, t2i_model, i2t_model, repeat, first, generation, turn, kind` (image: the call
    made an image, text: it made a description, both: the image between was not read), `player` (model of the call; for
    `both` the pair), `atom` (number of the fact in its prompt), `attribute`, `fact` (in words), `before` and `state`
    (kept, wrong or missing before and after the call) and `event`: kept, lost, corrupted, back (restored by this call)
    or gone (still missing). Prompts outside the pocket world have no rows.

    Args:
        run: A run that was judged in full.
        frame: Rows of `run.frame()`; None is the battle without its control lines.
        mend: Whether to correct the reading of an image where the texts before and after it agree on a fact. Each model
            sees only the previous artefact, so an error of the image reader is more likely than two coincidences.
        opinion: Part of the name of a model that answered yes-or-no questions (`telephone judge --opinion`): its
            answers replace counted facts, for any prompt. The questions are about images only, so every call but the
            first is a `both`, attributes are object, count, attribute and relation, and a state may be unknown.
    """
    made, details = _read(run, frame, mend and opinion is None, opinion)
    lengths = made["states"].str.len().to_numpy(dtype=int)
    table = made.loc[made.index.repeat(lengths), [*_GAME, "generation", "turn", "kind", "player"]]
    table = table.reset_index(drop=True)
    table["atom"] = _numbers(lengths)
    facts = _facts_of(run, made, details)
    at = list(zip(table["prompt_id"], table["atom"], strict=True))
    table["attribute"] = [facts[prompt][number][0] for prompt, number in at]
    table["fact"] = [facts[prompt][number][1] for prompt, number in at]
    for column, letters in (("before", made["states_before"]), ("state", made["states"])):
        table[column] = pd.Series(list("".join(letters)), dtype=object).map(STATES)
    return table.assign(event=_events(table))[list(COLUMNS)]


def count_invented_facts(run: Run, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns one row a call: how many facts its text or image states, and how many of them the prompt does not.

    Columns: those of `track_facts` that identify the call, `stated` (facts), `invented` (facts that are not in the
    prompt, wrong values of the prompt's facts excluded), `new` (invented facts that the previous artefact lacks).

    Args:
        run: A run that was judged in full.
        frame: Rows of `run.frame()`; None is the battle without its control lines.
    """
    made, details = _read(run, frame, mend=False)
    keys = list(zip(made["sha"], made["start"], strict=True))
    here = [Counter(map(tuple, details[key]["invented"])) for key in keys]
    first = (made["game"] != made["game"].shift(1)).to_numpy(dtype=bool)
    before = [Counter() if new else here[at - 1] for at, new in enumerate(first)]
    stated = [len(letters) - letters.count("m") for letters in made["states"]]
    table = made[[*_GAME, "generation", "turn", "kind", "player"]].reset_index(drop=True)
    table["stated"] = [known + sum(own.values()) for known, own in zip(stated, here, strict=True)]
    table["invented"] = [sum(own.values()) for own in here]
    table["new"] = [sum((own - old).values()) for own, old in zip(here, before, strict=True)]
    return table[list(INVENTED)]


def subject_change_turns(tracked: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a game: its subject and the first turn whose description lacks it.

    The subject is the kind of the first object of the prompt, such as the boat of "a red boat on a beach". Columns:
    `game, prompt_id, level, t2i_model, i2t_model, subject` (in words), `turn` (from 1; NaN if it is kept to the end)
    and `turns` (descriptions of the game). Prompts without an object have no rows.

    Args:
        tracked: As `track_facts` gives it.
    """
    kinds = tracked[(tracked["attribute"] == "kind") & (tracked["kind"] != "image")]
    if kinds.empty:
        return pd.DataFrame(columns=list(SUBJECT_COLUMNS))
    first = kinds[kinds["atom"] == kinds.groupby("game")["atom"].transform("min")]
    gone = first["turn"].where(first["state"] != "kept", np.nan)
    grouped = first.assign(gone=gone).groupby("game", sort=False)
    table = grouped[list(SUBJECT_COLUMNS[1:5])].first().assign(
        subject=grouped["fact"].first(), turn=grouped["gone"].min(), turns=grouped["turn"].max()
    )  # fmt: skip
    return table.reset_index()[list(SUBJECT_COLUMNS)]


def fact_details(run: Run, opinion: str | None = None) -> dict[tuple[str, str], Any]:
    """Returns the details stored by fact judges, by hashes of content and prompt; those of the newest judge.

    Args:
        run: A judged run.
        opinion: Part of the name of a model whose answers are taken; None takes counted facts.
    """
    kinds = _COUNTED if opinion is None else (ScorerKind.OPINION,)
    return {
        (score.subject, score.reference): score.detail
        for kind in kinds
        for scorer in run.scorers(kind)
        if opinion is None or opinion in scorer.identity
        for score in run.scores(scorer)
        if score.kind == _RECALL[kind] and score.value is not None and "states" in score.detail
    }


def _facts_of(run: Run, made: pd.DataFrame, details: dict[tuple[str, str], Any]) -> dict[str, Sequence[Any]]:
    """Returns attribute and words of each fact by prompt: as the judge stored them, or as the world defines them."""
    found: dict[str, Sequence[Any]] = {prompt: _facts(text) for prompt, text in _prompts(run).items()}
    for prompt, sha, start in made.drop_duplicates("prompt_id")[["prompt_id", "sha", "start"]].itertuples(index=False):
        found[prompt] = details[sha, start].get("facts", found[prompt])
    return found


def _read(
    run: Run, frame: pd.DataFrame | None, mend: bool, opinion: str | None = None
) -> tuple[pd.DataFrame, dict[tuple[str, str], Any]]:
    """Returns the calls whose facts were read, with their states and those before them."""
    details = fact_details(run, opinion)
    made = hop_table(without_controls(run.turns()) if frame is None else frame)
    found = [details.get(key) for key in zip(made["sha"], made["start"], strict=True)]
    states = [None if each is None else each["states"] for each in found]
    made["states"] = pd.Series(states, index=made.index, dtype=object)  # texts, also where there are none
    counts = {prompt: len(_facts(text)) for prompt, text in _prompts(run).items()}
    lengths = made["prompt_id"].map(counts) if opinion is None else made["states"].str.len()
    fits = made["states"].notna() & (made["states"].str.len() == lengths)
    made = made[fits].reset_index(drop=True)
    same = made["game"] == made["game"].shift(1)
    made["states_before"] = _before(made, same)
    if mend:
        made["states"] = pd.Series(_mended(made), index=made.index, dtype=object)
        made["states_before"] = _before(made, same)
    step = made["generation"] - made["generation"].shift(1).where(same, 0)
    made["kind"] = made["kind"].where(step == 1, BOTH)
    made["player"] = made["player"].where(step == 1, made["line"])
    return made, details


def _before(made: pd.DataFrame, same: pd.Series) -> pd.Series:
    """Returns the states before each call; at the start of a game all facts are kept."""
    whole = pd.Series(["k" * len(states) for states in made["states"]], dtype=object, index=made.index)
    return made["states"].shift(1).where(same, whole)


def _mended(made: pd.DataFrame) -> list[str]:
    after = made["states"].shift(-1).where(made["game"] == made["game"].shift(-1), "")
    rows = zip(made["kind"], made["states_before"], made["states"], after, strict=True)
    return ["".join(map(_agreed, *three)) if kind == "image" and three[-1] else three[1] for kind, *three in rows]


def _agreed(was: str, now: str, will: str) -> str:
    if (was == "k") != (will == "k"):
        return now
    return was if was == "k" or now == "k" else now


def _prompts(run: Run) -> dict[str, str]:
    return {prompt.id: prompt.text for prompt in run.spec.prompts}


def _numbers(lengths: Any) -> Any:
    """Returns 0, 1, ... for each length, concatenated."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)


def _events(table: pd.DataFrame) -> Any:
    was, now = table["before"] == "kept", table["state"]
    fallen = now.map({"kept": "kept", "missing": "lost", "wrong": "corrupted"})
    risen = now.map({"kept": "back", "missing": "gone", "wrong": "gone"})
    return fallen.where(was, risen).where(table["before"] != "unknown")


@lru_cache(maxsize=4096)
def _facts(text: str) -> tuple[tuple[str, str], ...]:
    """Returns attribute and words of each fact of a prompt."""
    scene = world.parse(text)
    return tuple((atom.attribute, _words(scene, atom)) for atom in world.atoms(scene))


def _words(scene: Scene, atom: Atom) -> str:
    if atom.thing is None:
        return f"{atom.attribute} {atom.value}"
    kind = scene.things[atom.thing].kind
    if atom.attribute == "kind":
        return kind
    if atom.attribute == "relation":
        anchor = next(relation.anchor for relation in scene.relations if relation.subject == atom.thing)
        return f"{kind} {atom.value} {scene.things[anchor].kind}"
    return f"{kind}: {atom.attribute} {atom.value}"

"""The path of every fact of one game from call to call: kept, lost by which model, changed to what, restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from telephone import world
from telephone.analysis.facts.fact_tracking import track_facts

if TYPE_CHECKING:
    from telephone.store import Run

COLUMNS = ("fact", "attribute", "atom", "generation", "turn", "kind", "player", "state", "event", "value")


def fact_paths(run: Run, frame: pd.DataFrame, game: str) -> pd.DataFrame:
    """Returns one row for each fact of a game's prompt and each call, in the order of facts, then of calls.

    Columns: `fact` (in words), `attribute`, `atom` (number of the fact in the prompt), `generation` (number of the
    call, from 1), `turn`, `kind` (image, text or both), `player` (the model of the call), `state` (kept, wrong or
    missing after the call), `event` (as `track_facts` gives it) and `value` (what a text states in place of a wrong
    fact; empty for images, of which the judge stores only whether a fact is kept, changed or missing). Facts of images
    are those that the image reader sees, corrected where the texts before and after agree. No rows if the facts of the
    prompt cannot be counted.

    Args:
        run: A run that was judged in full.
        frame: Rows of `run.frame()`.
        game: Key of the game: its value in the column `game`.
    """
    own = frame[frame["game"] == game]
    if own.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    table = track_facts(run, own).sort_values(["atom", "generation"], kind="stable")
    if table.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    head = own.iloc[0]
    texts = dict(zip(own["step_number"] + 1, own["text_after"], strict=True))
    prompts = {prompt.id: prompt.text for prompt in run.spec.prompts}
    stated = {turn: _values(prompts[head["prompt_id"]], text) for turn, text in texts.items() if isinstance(text, str)}
    wrong = (table["kind"] != "image") & (table["state"] == "wrong")
    places = zip(table["turn"], table["atom"], wrong, strict=True)
    values = [stated.get(turn, {}).get(atom, "") if changed else "" for turn, atom, changed in places]
    return table.assign(value=values)[list(COLUMNS)].reset_index(drop=True)


def _values(prompt: str, text: str) -> dict[int, str]:
    """Returns what a text states in place of the facts that it changes, by number of the fact."""
    truth, scene = world.parse(prompt), world.read(text).scene
    numbers = {atom: number for number, atom in enumerate(world.atoms(truth))}
    return {numbers[true]: str(said.value) for true, said in world.compare(truth, scene).wrong}

"""A small battle with everything in it that an export meets: both kinds of starts, repeats, failures, two embedders."""

from telephone import prompts
from telephone.battle import begin, grid, plan, play
from telephone.judge import score

PAINTERS = ("fake/painter?loss=0.2", "fake/painter?fail=0.4")
CAPTIONERS = ("fake/captioner?loss=0.1",)


def played(folder, *, turns=3, judged=True, repeats=1, painters=PAINTERS):
    wanted = [*prompts.get("pocket:easy"), *prompts.get("pocket-images:easy")[:2]]
    run = begin(folder, plan(grid(painters, CAPTIONERS), wanted, turns=turns, repeats=repeats))
    play(run)
    if judged:
        score(run, "fake/embedder")
    return run

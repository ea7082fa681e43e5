"""Causes turned: CLIPs that differ in one thing of their training, and what it does to attacks and binding."""

from dataclasses import dataclass
from typing import Any

from telephone.lineage.attack import AttackOutcome, AttackSet, attack_outcome, attack_set, attack_strips
from telephone.lineage.bind import SWAPS, binding_scenes, share_right, swap_scores
from telephone.lineage.context import LineageContext
from telephone.lineage.operation import Operation
from telephone.lineage.result import OperationResult, Strip
from telephone.lineage.verdicts import Threshold, impossible, judge_difference, share_estimate
from telephone.lineage.zero_shot import Floats
from telephone.world.scene import KINDS

DOSES = (0, 1, 5, 20)
"""Percent of training pictures on which the name of the thing was printed."""
NEGATIVES = {"contrast": "without hard negatives", "hard-negatives": "with hard negatives"}
"""Variants of the projections, by how they were trained."""
ADDRESS = "pocket/clip-causes"


@dataclass(frozen=True)
class CausesOptions:
    """Options of `telephone lineage causes`."""

    n: int = 64
    """Rendered pictures of one thing for the attack, and scenes of two things for binding."""
    held_out: bool = True
    """Whether the things of the attack are in colours that they never have in training; else in others."""
    model: str = ADDRESS
    """Address of the variants, without their option `net`."""
    seed: int = 0
    """Another seed gives other pictures and words."""


def variant(model: str, net: str) -> str:
    """Returns the address of a variant."""
    return f"{model}{'&' if '?' in model else '?'}net={net}"


def run(context: LineageContext, options: CausesOptions) -> OperationResult:
    """Attacks the CLIP of each dose, and lets those with and without hard negatives choose between captions.

    Raises:
        UsageError: n is below 1.
    """
    doses = {dose: variant(options.model, f"letters-{dose}") for dose in DOSES}
    negatives = {said: variant(options.model, net) for net, said in NEGATIVES.items()}
    missing = next(filter(None, (context.lacks(ref, "embedder") for ref in (*doses.values(), *negatives.values()))), "")
    if missing:
        name = "pictures named by the word, highest dose minus none"
        lacking = impossible(name, f"The CLIPs that differ in one cause are not installed. {missing}")
        return OperationResult("causes", lacking.verdict, lacking.reason, (lacking.estimate,))
    given = attack_set(context, options.n, options.held_out, options.seed)
    outcomes = {}
    for done, (dose, ref) in enumerate(doses.items()):
        context.progress(done, len(doses), "doses measured")
        outcomes[dose] = attack_outcome(context, ref, given, KINDS)
    return _result(given, outcomes, _binding(context, negatives, options))


def _binding(context: LineageContext, refs: dict[str, str], options: CausesOptions) -> dict[str, dict[str, Floats]]:
    """Returns for each variant and swap the share of right choices in each scene."""
    scenes = binding_scenes(options.n, 2, options.seed)
    images = context.pictures(scenes)
    found = {}
    for said, ref in refs.items():
        scores = swap_scores(context, ref, scenes, images)
        found[said] = {swap: share_right(scores, len(scenes), swap) for swap in SWAPS}
    return found


def _result(
    given: AttackSet, outcomes: dict[int, AttackOutcome], binding: dict[str, dict[str, Floats]]
) -> OperationResult:
    none, most = outcomes[DOSES[0]], outcomes[DOSES[-1]]
    decision = judge_difference(
        f"pictures named by the printed word, trained with {DOSES[-1]} % minus without words",
        most.word["printed"], none.word["printed"], Threshold(0.0), "pictures",
    )  # fmt: skip
    without, with_them = (binding[said]["colour"] for said in NEGATIVES.values())
    apart = judge_difference(
        "right caption above swapped colours, with minus without hard negatives", with_them, without, items="scenes"
    )
    measures = [
        *(share_estimate(f"named by the word, dose {dose} %", own.word["printed"]) for dose, own in outcomes.items()),
        *(share_estimate(f"named by the thing, dose {dose} %", own.right["clean"]) for dose, own in outcomes.items()),
        apart.estimate,
    ]
    strips: list[Strip] = []
    for dose, own in outcomes.items():
        strips += attack_strips(given, own, f"words on {dose} % of the training pictures")
    return OperationResult(
        "causes",
        decision.verdict,
        decision.reason,
        (decision.estimate, *measures),
        tuple(strips),
        {"Share of pictures named by the word or the thing": _dose_rows(outcomes), "Binding": _binding_rows(binding)},
        notes=(
            f"Binding: {apart.reason}",
            "All doses were trained on the same pictures and steps from the same start; only the printed words differ.",
        ),
    )


def _dose_rows(outcomes: dict[int, AttackOutcome]) -> list[dict[str, Any]]:
    rows = []
    for dose, own in outcomes.items():
        for said, values in (
            ("the word, printed", own.word["printed"]),
            ("the word, blank label", own.word["blank"]),
            ("the thing, printed", own.right["printed"]),
            ("the thing, no label", own.right["clean"]),
        ):
            found = share_estimate(said, values)
            row = {"words in training, %": dose, "named": said, "share": found.value}
            rows.append(row | {"low": found.low, "high": found.high})
    return rows


def _binding_rows(binding: dict[str, dict[str, Floats]]) -> list[dict[str, Any]]:
    rows = []
    for said, by_swap in binding.items():
        for swap, values in by_swap.items():
            found = share_estimate(swap, values)
            row = {"trained": said, "swapped": swap, "right caption scored higher": found.value}
            rows.append(row | {"low": found.low, "high": found.high, "n": found.n})
    return rows


OPERATION = Operation(
    "causes",
    "Causes turned: words and hard negatives in training",
    "Goh et al. 2021, Distill; Yuksekgonul et al. 2023, arXiv 2210.01936",
    "CLIP is open to typographic attack because its training pictures hold words.",
    "clip",
    CausesOptions,
    run,
)

"""The control lines of a battle: yardsticks that are played beside it on the same prompts, and are no part of it.

paraphrase  the text alone, said in other words at each turn: what wording costs
reencode    the picture alone, saved again at each turn: what saving costs
fixed       one sentence, whatever was drawn: what saying nothing scores
shuffled    a description of another prompt: what chance scores
oracle      one player of a line replaced by a perfect one of the pocket world: what each side loses alone
"""

from collections.abc import Sequence

from telephone import world
from telephone.core.records import Prompt
from telephone.models.registry import Ref

KINDS = ("paraphrase", "reencode", "fixed", "shuffled", "oracle")

Control = tuple[str, str, str]
"""Addresses of who draws and who describes, and which control it is."""

_CARBON = "control/carbon"
_ORACLES = ("oracle/renderer", "oracle/reader")
_PERFECT = {"fake": ("fake/sketcher", "fake/teller")}
"""Who draws and who describes without a loss, for providers whose pictures are no pictures but codes."""


def controls(
    drawers: Sequence[str], describers: Sequence[str], prompts: Sequence[Prompt], source: str = "pocket"
) -> list[Control]:
    """Returns the control lines of a battle.

    Controls that hand on texts need games that start with a text; lines of the perfect players need prompts that are
    wholly in words of the pocket world. What does not fit is left out.

    Args:
        drawers: Addresses of the players that draw.
        describers: Addresses of the players that describe.
        prompts: What the battle is played over.
        source: The name or file that the prompts come from; other prompts of it are what `shuffled` says.
    """
    found: list[Control] = []
    if all(prompt.first == "text" for prompt in prompts):
        found += [(_CARBON, "control/paraphrase", "paraphrase"), (_CARBON, "control/fixed", "fixed")]
        if len({prompt.text for prompt in prompts}) > 1:
            found.append((_CARBON, str(Ref("control", "shuffled", (("prompts", source),))), "shuffled"))
    found.append((str(Ref("control", "reencode", (("of", drawers[0]),))), "control/scan", "reencode"))
    if all(_of_the_world(prompt) for prompt in prompts):
        found += [(*line, "oracle") for line in _oracle_lines(drawers, describers)]
    battle = {(t2i, i2t) for t2i in drawers for i2t in describers}
    return [row for row in dict.fromkeys(found) if (row[0], row[1]) not in battle]


def _oracle_lines(drawers: Sequence[str], describers: Sequence[str]) -> list[tuple[str, str]]:
    """Returns each player with a perfect partner that takes its pictures, and the perfect players with each other."""
    drawn, described = ([_perfect(ref) for ref in refs] for refs in (drawers, describers))
    lines = [(t2i, reader) for t2i, (_, reader) in zip(drawers, drawn, strict=True)]
    lines += [(renderer, i2t) for i2t, (renderer, _) in zip(describers, described, strict=True)]
    return lines + [pair for pair in dict.fromkeys(drawn) if pair in described]


def _perfect(ref: str) -> tuple[str, str]:
    return _PERFECT.get(ref.partition("/")[0], _ORACLES)


def _of_the_world(prompt: Prompt) -> bool:
    found = world.read(prompt.text)
    return bool(world.atoms(found.scene)) and not found.unknown

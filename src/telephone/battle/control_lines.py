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
from telephone.models.registry import Ref, perfect_partner

KINDS = ("paraphrase", "reencode", "fixed", "shuffled", "oracle")

Control = tuple[str, str, str]
"""Addresses of who draws and who describes, and which control it is."""

_CARBON = "control/carbon"


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
    """Returns each model with its lossless partner, and the lossless partners with each other."""
    readers = [perfect_partner(ref, "text2image") for ref in drawers]
    renderers = [perfect_partner(ref, "image2text") for ref in describers]
    lines = [*zip(drawers, readers, strict=True), *zip(renderers, describers, strict=True)]
    both = [(perfect_partner(reader, "image2text"), reader) for reader in dict.fromkeys(readers)]
    return lines + [pair for pair in both if pair[0] in renderers]


def _of_the_world(prompt: Prompt) -> bool:
    found = world.read(prompt.text)
    return bool(world.atoms(found.scene)) and not found.unknown

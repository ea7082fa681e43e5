"""The control pairs of a battle: baselines that are played on the same prompts and are not ranked.

paraphrase  the text alone, reworded at each turn: the effect of wording
reencode    the image alone, encoded again at each turn: the effect of encoding
fixed       the same sentence for every image: the score of a caption without content
shuffled    the caption of another prompt: the score of chance
oracle      one model of a pair replaced by a lossless one of the pocket world: the loss of each side alone
"""

from collections.abc import Sequence

from telephone import world
from telephone.core.records import Prompt
from telephone.models.registry import Ref, perfect_partner

KINDS = ("paraphrase", "reencode", "fixed", "shuffled", "oracle")

Control = tuple[str, str, str]
"""Addresses of the text-to-image and the image-to-text model, and the kind of the control."""

_CARBON = "control/carbon"


def controls(
    drawers: Sequence[str], describers: Sequence[str], prompts: Sequence[Prompt], source: str = "pocket"
) -> list[Control]:
    """Returns the control pairs of a battle.

    Controls that pass texts on need games that start with a text; pairs with lossless models need prompts that use
    words of the pocket world only. Controls that do not fit are left out.

    Args:
        drawers: addresses of the text-to-image models.
        describers: addresses of the image-to-text models.
        prompts: of the battle.
        source: the name or file that the prompts come from; `shuffled` takes its captions from there.
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

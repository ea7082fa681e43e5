"""The prior left out or replaced: the decoder with no embedding, a text embedding, or the guess of each prior."""

from dataclasses import dataclass

from PIL import Image

from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.lineage.inputs import check_level, fact_counts, recall_of
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, OperationResult, Strip
from telephone.lineage.verdicts import Threshold, judge_difference, share_estimate
from telephone.world import Scene

PRIORS = {
    "zero": "no embedding",
    "text": "text embedding as image embedding",
    "linear": "linear map of the text embedding",
    "autoregressive": "autoregressive prior",
    "diffusion": "diffusion prior",
}
"""What conditions the decoder, from least to most; names are those of the model's option `prior`."""
TRUE = "true embedding"
SHOWN = 2


@dataclass(frozen=True)
class AblateOptions:
    """Options of `telephone lineage ablate`."""

    level: str = "easy"
    """Level of the held-out prompts: easy, medium, hard, impossible."""
    n: int = 12
    """Held-out prompts."""
    model: str = "pocket/dalle-2"
    """Address of the model, which draws and edits."""
    steps: int = 8
    """Steps of the decoder where it is given the embedding of the true picture."""
    seed: int = 0
    """Another seed gives other pictures."""


def run(context: LineageContext, options: AblateOptions) -> OperationResult:
    """Draws held-out prompts with every kind of embedding, with and without the caption.

    Raises:
        UsageError: there is no such level, or n is below 1.
    """
    scenes = context.scenes(check_level(options.level), options.n)
    made = {caption: _draw(context, options, scenes, caption) for caption in ("yes", "no")}
    kept = {
        caption: {name: recall_of(context, scenes, images) for name, images in by_name.items()}
        for caption, by_name in made.items()
    }
    sizes = fact_counts(scenes)
    decision = judge_difference(
        "facts kept with the diffusion prior minus without an embedding, with captions",
        kept["yes"][PRIORS["diffusion"]], kept["yes"][PRIORS["zero"]], Threshold(0.0), "prompts",
    )  # fmt: skip
    measures = [
        share_estimate(f"facts kept, {name}, {'with' if caption == 'yes' else 'without'} caption", shares, sizes)
        for caption, by_name in kept.items()
        for name, shares in by_name.items()
    ]
    return OperationResult(
        "ablate",
        decision.verdict,
        decision.reason,
        (decision.estimate, *measures),
        tuple(_strips(context, scenes, made)),
        notes=(
            "Without a caption and without an embedding the decoder knows nothing: its facts are those of chance.",
            "Guidance is that of the model's default; it applies to embedding and caption together.",
        ),
    )


def _draw(
    context: LineageContext, options: AblateOptions, scenes: list[Scene], caption: str
) -> dict[str, list[Image.Image]]:
    """Returns the pictures by what conditions the decoder."""
    texts = context.captions(scenes)
    seeds = [derive("ablate", options.seed, number) for number in range(len(scenes))]
    made = {
        said: context.draw(f"{options.model}?prior={prior}&caption={caption}", texts, seeds)
        for prior, said in PRIORS.items()
    }
    ref = f"{options.model}?operation=components&steps={options.steps}&caption={caption}"
    return made | {TRUE: context.edit(ref, context.pictures(scenes), texts, seeds)}


def _strips(context: LineageContext, scenes: list[Scene], made: dict[str, dict[str, list[Image.Image]]]) -> list[Strip]:
    strips = []
    for number, scene in enumerate(scenes[:SHOWN]):
        for caption, by_name in made.items():
            row = {name: images[number] for name, images in by_name.items()}
            seen = context.read(list(row.values()))
            title = "with the caption" if caption == "yes" else "without the caption"
            cells = tuple(Cell(image, name, found) for (name, image), found in zip(row.items(), seen, strict=True))
            strips.append(Strip(cells, title, scene))
    return strips


OPERATION = Operation(
    "ablate",
    "What the prior is good for",
    "Ramesh et al. 2022, arXiv 2204.06125, section 5.1",
    "With the caption alone the decoder draws worst; a text embedding as image embedding helps, a prior helps most.",
    "dalle-2",
    AblateOptions,
    run,
)

"""One call of one model, without a run: an image of a text, a description of an image."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from telephone.core.errors import ModelError, UsageError
from telephone.core.images import encode_png
from telephone.core.output_files import check_output, write_output
from telephone.core.picture_files import open_picture
from telephone.models import embedder, generate_images, generate_texts, image2text, text2image
from telephone.models.best_of import best_of
from telephone.pipeline.paths import free_path, slug


@dataclass(frozen=True)
class BestOf:
    """How many images are generated, and which model chooses among them."""

    count: int = 1
    judge: str = "pocket/clip"
    """Address of an embedder of texts and images."""


@dataclass(frozen=True)
class GeneratedImage:
    """An image file that a model generated."""

    path: Path
    width: int
    height: int
    tokens_cut: int
    """Tokens at the end of the text that the model could not read."""


def generate_image(
    ref: str, text: str, output: str | Path | None = None, seed: int = 0, best: BestOf | None = None
) -> GeneratedImage:
    """Generates an image of a text and writes it as a PNG file.

    Args:
        ref: address of a text-to-image model.
        text: the prompt.
        output: the file; None is one in the current folder, named after the text.
        seed: in [0, 2**32).
        best: generates several images and keeps the one nearest to the text; None generates one.

    Raises:
        UsageError: the text is empty, the file does not end in .png, or there is no such model.
        ModelError: the model fails or refuses.
        StoreError: the file cannot be written.
    """
    if not text.strip():
        raise UsageError("The text is empty: write what to draw.")
    path = Path(output) if output is not None else free_path(Path(f"{slug(text) or 'picture'}.png"))
    check_output(path, (".png",))
    model = text2image(ref)
    if best is not None and best.count > 1:
        (made,) = best_of(partial(generate_images, model), [text], [seed], best.count, embedder(best.judge))
    else:
        (made,) = generate_images(model, [text], [seed])
    if isinstance(made, ModelError):
        raise made
    write_output(path, encode_png(made))
    return GeneratedImage(path, made.width, made.height, model.count_cut(text))


def describe_image(ref: str, image: str | Path, seed: int = 0) -> str:
    """Returns a model's description of an image file.

    Args:
        ref: address of an image-to-text model.
        image: the file, 128 MiB or less.
        seed: in [0, 2**32).

    Raises:
        UsageError: there is no such model, or the file cannot be read as an image.
        ModelError: the model fails or refuses.
    """
    model = image2text(ref)
    decoded = open_picture(image)
    (made,) = generate_texts(model, [decoded], [seed])
    if isinstance(made, ModelError):
        raise made
    return made

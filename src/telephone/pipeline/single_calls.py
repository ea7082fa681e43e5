"""One call of one model, without a run: an image of a text, a description of an image."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from telephone.core.errors import ModelError, UsageError
from telephone.core.images import encode_png
from telephone.core.output_files import check_output, write_output
from telephone.core.picture_files import open_picture
from telephone.models import embedder, generate_images, generate_texts, image2text, text2image
from telephone.models.base import FilmModel
from telephone.models.best_of import best_of
from telephone.pipeline.paths import free_path, slug
from telephone.report.media.output import film_path, write_film

FILM_SIDE = 384
"""Small images of a film are enlarged to about this side, in pixels."""
FILM_SECONDS = 3.0
LAST_FRAME = 1500
"""Milliseconds that the finished image is shown."""


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


def film_of_drawing(ref: str, text: str, output: str | Path, seed: int = 0) -> GeneratedImage:
    """Writes how an image comes into being as a film; its last frame is the image that `generate_image` writes.

    Args:
        ref: address of a text-to-image model that has films, such as `pocket/dalle-mini`.
        text: the prompt.
        output: a file that ends in .webp, .gif or .mp4.
        seed: in [0, 2**32).

    Raises:
        UsageError: the text is empty, the file has another ending, or the model has no films.
        ModelError: the model fails.
        StoreError: the file cannot be written.
    """
    if not text.strip():
        raise UsageError("The text is empty: write what to draw.")
    path = film_path(Path(output))
    model = text2image(ref)
    if not isinstance(model, FilmModel):
        raise UsageError(f"{ref} has no film: use pocket/dalle-mini, pocket/clipdraw, or pocket/vqgan-clip with steps.")
    frames = model.film(text, seed)
    scale = max(1, FILM_SIDE // max(frames[0].size))
    size = (frames[0].width * scale, frames[0].height * scale)
    enlarged = [frame.resize(size, Image.Resampling.NEAREST) for frame in frames]
    each = max(40, round(FILM_SECONDS * 1000 / len(frames)))
    write_film(enlarged, [each] * (len(frames) - 1) + [LAST_FRAME], path)
    return GeneratedImage(path, *size, model.count_cut(text))


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

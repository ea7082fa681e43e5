import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from telephone.core.errors import ModelError, ModelRefused, UsageError
from telephone.models import (
    Embedder,
    Image2Text,
    IncompleteModel,
    Text2Image,
    generate_images,
    generate_texts,
    kind_of,
    name_of,
)

RED = Image.new("RGB", (4, 3), (255, 0, 0))


def png() -> bytes:
    buffer = io.BytesIO()
    RED.save(buffer, format="PNG")
    return buffer.getvalue()


class ArticlePainter(Text2Image):
    """As in the article: no seed, no super().__init__(), a name and nothing else."""

    def __init__(self):
        self.name = "article-painter"
        self.returns = None

    def generate_image(self, text):
        return self.returns


class ArticleCaptioner(Image2Text):
    def __init__(self):
        self.name = "article-captioner"

    def generate_text(self, image_url):
        return f"{image_url.size[0]} wide; {self.task_description}"


class BatchPainter(Text2Image):
    def generate_images(self, texts, seeds=None):
        return [Image.new("L", (2, 2), (seed or 0) % 256) for seed in seeds or [0] * len(texts)]


class SeededPainter(Text2Image):
    def generate_image(self, text, seed=None):
        return Image.new("L", (1, 1), seed)


class Silent(Text2Image):
    pass


class SilentReader(Image2Text):
    pass


def paint(made: object) -> Image.Image:
    player = ArticlePainter()
    player.returns = made
    (image,) = generate_images(player, ["a text"], [7])
    if isinstance(image, ModelError):
        raise image
    return image


@pytest.mark.parametrize("made", [RED, png(), np.asarray(RED), bytearray(png()), RED.convert("RGBA"), RED.convert("P")])
def test_a_picture_in_any_of_the_known_forms_becomes_rgb(made):
    image = paint(made)
    assert (image.mode, image.size, image.getpixel((3, 2))) == ("RGB", (4, 3), (255, 0, 0))


def test_a_path_is_read(tmp_path: Path):
    (tmp_path / "red.png").write_bytes(png())
    assert paint(str(tmp_path / "red.png")).getpixel((0, 0)) == (255, 0, 0)
    assert paint(tmp_path / "red.png").getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (None, "returned None instead of an image"),
        (3.5, "a value of type float"),
        (b"GIF but no", "10 bytes are not a picture"),
        (png()[:45], "not a picture that can be decoded"),
        ("/nowhere/at/all.png", "'/nowhere/at/all.png', which cannot be read"),
        ("https://example.org/a.png", "download it and return the bytes"),
        (np.zeros((2, 2, 3), dtype=np.float32), "an array of float32 [2, 2, 3]"),
        (np.zeros((2, 2, 5), dtype=np.uint8), "an array of uint8 [2, 2, 5]"),
        (Image.new("RGB", (0, 5)), "an empty image of 0 x 5 pixels"),
    ],
)
def test_what_is_no_picture_is_told(made, says):
    with pytest.raises(ModelError) as caught:
        paint(made)
    assert says in str(caught.value)


def test_a_picture_that_breaks_while_it_is_decoded_is_told():
    with pytest.raises(ModelError, match="cannot be decoded"):
        paint(Image.open(io.BytesIO(png()[:45])))


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ("", "empty text"),
        (" \n\t", "empty text"),
        (None, "None instead of a text"),
        (b"bytes", "a value of type bytes"),
        ("half a \ud83d pair", "not valid Unicode"),
    ],
)
def test_what_is_no_text_is_told(made, says):
    class Reader(Image2Text):
        def generate_text(self, image):
            return made

    (told,) = generate_texts(Reader(), [RED], [1])
    assert isinstance(told, ModelError)
    assert says in str(told)


def test_the_single_form_makes_the_batch_form():
    player = SeededPainter()
    images = player.generate_images(["a", "b"], [3, 4])
    assert [image.getpixel((0, 0)) for image in images] == [(3, 3, 3), (4, 4, 4)]
    assert player.traits().seeds
    assert player.traits().batch_size == 1


def test_the_batch_form_makes_the_single_form():
    player = BatchPainter()
    assert player.generate_image("a", seed=9).getpixel((1, 1)) == (9, 9, 9)
    assert player.generate_image("a").getpixel((1, 1)) == (0, 0, 0)
    assert player.traits().seeds
    assert player.traits().batch_size > 1


def test_a_player_as_in_the_article_plays():
    captioner = ArticleCaptioner()
    assert captioner.generate_texts([RED], [5]) == ["4 wide; Write a detailed description of this image."]
    assert generate_texts(captioner, [RED], [5]) == ["4 wide; Write a detailed description of this image."]
    assert not captioner.traits().seeds
    assert captioner.count_cut("a b c") == 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: Silent().generate_image("a"),
            "Silent is incomplete: define its method generate_image or",
        ),
        (lambda: Silent().generate_images(["a"]), "generate_image or generate_images"),
        (lambda: SilentReader().generate_text(RED), "SilentReader is incomplete: define its method generate_text"),
        (lambda: SilentReader().generate_texts([RED]), "generate_text or generate_texts"),
    ],
)
def test_a_player_without_any_form_says_what_to_write(call, says):
    with pytest.raises(IncompleteModel, match=says) as caught:
        call()
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, UsageError)


def test_an_embedder_without_a_form_says_so():
    with pytest.raises(UsageError, match="embeds no texts"):
        Embedder().embed_texts(["a"])
    with pytest.raises(UsageError, match="embeds no images"):
        Embedder().embed_images([RED])


def test_a_batch_of_the_wrong_length_is_told():
    class Short(Text2Image):
        def generate_images(self, texts):
            return [RED]

    with pytest.raises(ModelError, match="1 results for 2 items"):
        generate_images(Short(), ["a", "b"], [1, 2])


def test_one_bad_item_does_not_spoil_the_batch():
    class Mixed(Text2Image):
        def generate_images(self, texts):
            return [RED, ModelRefused("No."), None]

    good, refused, none = generate_images(Mixed(), ["a", "b", "c"], [1, 2, 3])
    assert isinstance(good, Image.Image)
    assert isinstance(refused, ModelRefused)
    assert "None" in str(none)
    with pytest.raises(ModelRefused):
        type("One", (Mixed,), {"generate_images": lambda self, texts: [ModelRefused("No.")]})().generate_image("b")


def test_the_fingerprint_changes_with_class_settings_and_code():
    first, second = ArticlePainter(), ArticlePainter()
    assert first.traits().fingerprint == second.traits().fingerprint
    second.returns = "changed"
    assert first.traits().fingerprint != second.traits().fingerprint
    assert SeededPainter().traits().fingerprint != BatchPainter().traits().fingerprint
    second.returns, second._private = None, 3
    assert first.traits().fingerprint == second.traits().fingerprint


def test_names_and_kinds():
    assert name_of(ArticlePainter()) == "article-painter"
    assert name_of(SeededPainter()) == "seeded-painter"
    assert [kind_of(p) for p in (Silent(), SilentReader(), Embedder())] == ["text2image", "image2text", "embedder"]
    with pytest.raises(UsageError, match="is not a model"):
        kind_of("pocket/blip")

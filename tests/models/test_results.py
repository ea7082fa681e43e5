import numpy as np
import pytest
from PIL import Image

from telephone.core.errors import ModelError, ModelRefused
from telephone.models import (
    Image2Text,
    ModelOutput,
    Text2Image,
    generate_image_outputs,
    generate_images,
    generate_text_outputs,
    generate_texts,
)
from telephone.models.results import as_image

RED = Image.new("RGB", (4, 3), (255, 0, 0))


class OneByOne(Text2Image):
    def generate_image(self, text, seed=None):
        if text == "no":
            raise ModelRefused("Not this one.")
        return ModelOutput(RED, cost=0.04, raw=f"id-{text}") if text != "bare" else RED


class Batch(Image2Text):
    def generate_texts(self, images, seeds=None):
        return [
            ModelOutput("words", cost=0.5),
            ModelOutput(ModelError("broken"), cost=0.25, raw="said so"),
            ModelOutput(7),
        ]


def test_a_cost_comes_through_the_single_form():
    first, bare, no = generate_image_outputs(OneByOne(), ["a", "bare", "no"], [1, 2, 3])
    assert (first.cost, first.raw, first.value.size) == (0.04, "id-a", (4, 3))
    assert (bare.cost, bare.raw, bare.value.size) == (None, "", (4, 3))
    assert (no.cost, str(no.value)) == (None, "Not this one.")


def test_a_cost_comes_through_the_batch_form_with_failures_too():
    good, broken, strange = generate_text_outputs(Batch(), [RED] * 3, [1, 2, 3])
    assert (good.value, good.cost) == ("words", 0.5)
    assert (str(broken.value), broken.cost, broken.raw) == ("broken", 0.25, "said so")
    assert "a value of type int instead of a text" in str(strange.value)


def test_other_callers_get_bare_items():
    assert [getattr(made, "size", None) for made in generate_images(OneByOne(), ["a", "no"], [1, 2])] == [(4, 3), None]
    assert generate_texts(Batch(), [RED] * 3, [1, 2, 3])[0] == "words"
    assert OneByOne().generate_images(["a"])[0].size == (4, 3)
    with pytest.raises(ModelError, match="3 results for 1 items"):
        Batch().generate_text(RED)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (np.full((4, 4, 3), np.nan, np.float32), "float32 .4, 4, 3. with values that are not a number"),
        (np.linspace(-1, 1, 48, dtype=np.float32).reshape(4, 4, 3), "values from -1 to 1: return uint8"),
        (np.full((4, 4, 3), 300, np.int64), "values from 300 to 300: return uint8"),
        (Image.fromarray(np.full((4, 4), np.nan, np.float32)), "values that are not a number"),
        (np.zeros((4, 4, 5), np.uint8), "return uint8"),
    ],
)
def test_pixels_that_are_no_8_bit_numbers_are_explained(made, message):
    with pytest.raises(ModelError, match=message):
        as_image(made)

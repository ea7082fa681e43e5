import pytest
from PIL import Image

from telephone.core.errors import ModelError, ModelRefused
from telephone.models import Image2Text, ModelOutput, Text2Image, describe, describe_answers, draw, draw_answers

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
    first, bare, no = draw_answers(OneByOne(), ["a", "bare", "no"], [1, 2, 3])
    assert (first.cost, first.raw, first.made.size) == (0.04, "id-a", (4, 3))
    assert (bare.cost, bare.raw, bare.made.size) == (None, "", (4, 3))
    assert (no.cost, str(no.made)) == (None, "Not this one.")


def test_a_cost_comes_through_the_batch_form_with_failures_too():
    good, broken, strange = describe_answers(Batch(), [RED] * 3, [1, 2, 3])
    assert (good.made, good.cost) == ("words", 0.5)
    assert (str(broken.made), broken.cost, broken.raw) == ("broken", 0.25, "said so")
    assert "a value of type int in place of a text" in str(strange.made)


def test_other_callers_get_bare_items():
    assert [getattr(made, "size", None) for made in draw(OneByOne(), ["a", "no"], [1, 2])] == [(4, 3), None]
    assert describe(Batch(), [RED] * 3, [1, 2, 3])[0] == "words"
    assert OneByOne().generate_images(["a"])[0].size == (4, 3)
    with pytest.raises(ModelError, match="3 results for 1 items"):
        Batch().generate_text(RED)

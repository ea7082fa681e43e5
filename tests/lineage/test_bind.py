"""Attribute binding: every swap, models that know and do not know the answer, colours of drawings, bad input."""

import numpy as np
import pytest

from telephone import world
from telephone.core.errors import UsageError
from telephone.lineage.bind import (
    SWAPS,
    BindOptions,
    SwapScores,
    all_swaps,
    binding_scenes,
    drawn_colours,
    run,
    share_right,
    swapped,
)
from telephone.lineage.context import LineageContext, load_by_kind
from telephone.lineage.result import Verdict
from telephone.models import Embedder, Traits
from telephone.world.scene import COLOURS, KINDS


class BagOfWords(Embedder):
    """Knows which words a caption has, not their order; a picture is the words that the exact reader sees."""

    def embed_texts(self, texts):
        return np.array([self._count(text) for text in texts], np.float32)

    def embed_images(self, images):
        return self.embed_texts([world.caption(scene) for scene in LineageContext().read(images)])

    def _count(self, text):
        words = text.lower().replace(",", "").replace(".", "").split()
        return [words.count(word) for word in (*KINDS, *COLOURS, "left", "middle", "right")] + [1]

    def traits(self):
        return Traits("bag of words 1", price=0.0)


def load(ref, kind):
    return BagOfWords() if ref == "own/bag" else load_by_kind(ref, kind)


def test_scenes_differ_in_all_that_is_swapped_and_hold_a_pair_out():
    for things in (2, 3):
        scenes = binding_scenes(20, things)
        assert scenes[:3] == binding_scenes(3, things)
        for scene in scenes:
            assert len(all_swaps(scene)) == 3 * (1 if things == 2 else 3)
            assert world.held_out(scene.things[0].kind, scene.things[0].colour)


def test_a_swap_exchanges_one_attribute_and_undoes_itself():
    scene = world.parse("a red apple on the left and a blue boat on the right, on a beach")
    for swap in SWAPS:
        made = swapped(scene, 0, 1, swap)
        assert getattr(made.things[0], swap) == getattr(scene.things[1], swap)
        assert swapped(made, 1, 0, swap) == scene
        assert world.compare(scene, made).recall < 1
    colours = swapped(scene, 0, 1, "colour")
    assert swapped(colours, 0, 1, "place").things[::-1] == swapped(scene, 0, 1, "kind").things


def test_equal_attributes_are_not_swapped():
    scene = world.parse("a red apple and a red boat")
    assert [swap for swap, _ in all_swaps(scene)] == ["kind"]


def test_shares_are_means_over_the_swaps_of_a_scene_and_ties_count_half():
    scores = [
        SwapScores("colour", 0, 0.5, 0.4), SwapScores("colour", 0, 0.5, 0.6), SwapScores("colour", 2, 0.3, 0.3),
        SwapScores("place", 1, 0.5, 0.4),
    ]  # fmt: skip
    found = share_right(scores, 3, "colour")
    assert found[[0, 2]].tolist() == [0.5, 0.5]
    assert np.isnan(found[1])


def test_what_became_of_colours():
    truth = world.parse("a red apple and a blue boat")
    assert drawn_colours(truth, truth).right == 1
    exchanged = drawn_colours(truth, world.parse("a blue apple and a red boat"))
    assert (exchanged.right, exchanged.swapped, exchanged.lost) == (0, 1, 0)
    half = drawn_colours(truth, world.parse("a red apple and a green cat"))
    assert (half.right, half.swapped, half.lost) == (0.5, 0, 0.5)
    other = drawn_colours(truth, world.parse("a green apple, a blue boat"))
    assert (other.right, other.swapped, other.lost) == (0.5, 0, 0)


def test_a_bag_of_words_does_not_bind():
    options = BindOptions(n=8, model="own/bag", drawer="oracle/renderer", drawn=2)
    result = run(LineageContext(load=load), options)
    assert {row["right"] for row in result.tables["Right caption scored higher"]} == {0.5}
    assert result.verdict is not Verdict.FAILS


def test_the_shipped_clip_binds_and_an_exact_drawer_keeps_colours():
    result = run(LineageContext(), BindOptions(n=24, drawer="oracle/renderer", drawn=4))
    assert result.verdict is Verdict.FAILS
    by_name = {each.name: each.value for each in result.measures}
    assert by_name["things drawn by oracle/renderer in their own colour"] > 0.8
    assert by_name["things drawn by oracle/renderer in the colour of another thing"] < 0.2
    assert len(result.strips) == 1 + 3


def test_a_prompt_of_ones_own():
    result = run(LineageContext(), BindOptions(prompt="a red apple and a blue boat", drawer="oracle/renderer"))
    assert result.verdict is Verdict.UNDECIDED
    assert result.strips[1].title == "a red apple and a blue boat"


@pytest.mark.parametrize(
    "options",
    [
        BindOptions(n=0), BindOptions(things=1), BindOptions(things=4), BindOptions(drawn=-1), BindOptions(prompt="  "),
        BindOptions(prompt="a red apple"), BindOptions(prompt="\u82f9\u679c"), BindOptions(prompt="nothing at all"),
    ],
)  # fmt: skip
def test_bad_options_are_told(options):
    with pytest.raises(UsageError):
        run(LineageContext(), options)

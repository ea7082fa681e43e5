"""The forgetful fakes forget at the rates that they are told, make scenes that can be, and repeat themselves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephone import models, world
from telephone.core.errors import UsageError
from telephone.core.records import LEVELS
from telephone.models.synthetic.lossy import LossRates, forget

seeds = st.integers(0, 2**32 - 1)
rates = st.floats(0, 1)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(LEVELS), seeds, rates, rates, rates)
def test_what_is_left_can_be_told_and_read(level, seed, drop, swap, invent) -> None:
    left = forget(world.sample(level, seed), LossRates(drop, swap, invent), seed)
    assert world.parse(world.caption(left)) == left


@pytest.mark.parametrize("level", LEVELS)
def test_without_losses_all_is_handed_on(level) -> None:
    scene = world.sample(level, 3)
    text = world.caption(scene)
    drawn = models.text2image("fake/sketcher").generate_image(text, 1)
    assert world.parse(models.image2text("fake/teller").generate_text(drawn, 2)) == scene


def test_facts_are_dropped_at_their_rate() -> None:
    told = kept = 0
    for seed in range(400):
        scene = world.sample("hard", seed)
        left = forget(scene, LossRates(drop=0.3, only="colour-size"), seed)
        assert [thing.kind for thing in left.things] == [thing.kind for thing in scene.things]
        pairs = list(zip(scene.things, left.things, strict=True))
        told += sum(thing.size != "medium" for thing, _ in pairs)
        kept += sum(thing.size != "medium" and after.size == thing.size for thing, after in pairs)
    assert 1 - kept / told == pytest.approx(0.3, abs=0.05)


def test_a_swap_is_another_value_and_an_invention_a_thing_more() -> None:
    scene = world.parse("A red boat on a beach.")
    swapped = forget(scene, LossRates(swap=1.0, only="colour-setting"), 5)
    assert swapped.things[0].kind == "boat"
    assert swapped.things[0].colour not in (None, "red")
    assert swapped.setting not in (None, "beach")
    added = forget(scene, LossRates(invent=1.0), 5)
    assert len(added.things) == 2
    assert added.things[1].colour is not None


def test_equal_calls_have_equal_answers_and_no_game_stands_still() -> None:
    teller = models.image2text("fake/teller?drop=0.2")
    sketcher = models.text2image("fake/sketcher")
    text = "Three red apples and a blue boat."
    first = teller.generate_text(sketcher.generate_image(text, 1), 2)
    assert first == teller.generate_text(sketcher.generate_image(text, 1), 2)
    second = teller.generate_text(sketcher.generate_image(first, 1), 2)
    assert second != first


def test_the_teller_answers_what_the_picture_holds() -> None:
    drawn = models.text2image("fake/sketcher").generate_image("A red boat and two cats on a beach.", 1)
    teller = models.image2text("fake/teller?drop=1")
    asked = ["What colour is the boat?", "Are there any dogs?", "Who are you?"]
    told = teller.answer([drawn] * 3, asked)
    assert told[:2] == ["Red.", "No."]
    assert told[2] == "I cannot tell."
    assert teller.generate_text(drawn, 1).startswith("An empty picture")


def test_a_strange_attribute_is_told() -> None:
    with pytest.raises(UsageError, match="joined by hyphens"):
        models.text2image("fake/sketcher?only=smell")

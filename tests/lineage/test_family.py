import xml.etree.ElementTree as ElementTree

import pytest
from PIL import Image

from telephone import world
from telephone.core.errors import UsageError
from telephone.lineage.context import LineageContext
from telephone.lineage.family import FamilyOptions, parameters_of, run, things_kept
from telephone.lineage.family_tree import MEMBERS, MemberState, family_tree
from telephone.lineage.result import Verdict


def test_drawers_get_the_same_prompts_and_a_perfect_one_keeps_every_fact():
    options = FamilyOptions(n=3, levels=("easy",), models=("oracle/renderer", "fake/painter", "pocket/nothing"))
    result = run(LineageContext(), options)
    assert result.verdict is Verdict.IMPOSSIBLE
    exact, fake = result.tables["Drawers"]
    assert exact["drawer"] == "oracle/renderer"
    assert exact["facts kept, easy"] > 0.9 > fake["facts kept, easy"]
    assert exact["parameters"] is None
    assert result.tables["Not installed"][0]["drawer"] == "pocket/nothing"
    assert len(result.strips) == 3
    assert [len(strip.cells) for strip in result.strips] == [3, 3, 3]
    assert all(strip.truth is not None for strip in result.strips)


def test_a_thing_is_there_once_and_with_its_own_colour_if_possible():
    truth = world.parse("a red apple on the left, a blue apple on the right, a green boat")
    assert things_kept(truth, truth) == (1.0, 1.0)
    one = world.parse("a blue apple and a red boat")
    assert things_kept(truth, one) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert things_kept(truth, world.Scene()) == (0.0, 0.0)
    assert things_kept(world.Scene(), truth) == (1.0, 1.0)


def test_bad_options_are_told():
    for options in (FamilyOptions(n=0), FamilyOptions(levels=("simple",)), FamilyOptions(levels=())):
        with pytest.raises(UsageError):
            run(LineageContext(), options)


def test_parameters_are_counted_from_the_weight_files():
    from telephone.models.pocket.clip import NET

    net = NET.load()
    assert parameters_of("pocket/clip") == sum(each.numel() for each in net.state_dict().values())
    assert parameters_of("oracle/renderer") is None


def test_the_tree_is_valid_and_shows_every_member():
    states = {
        "dalle-2": MemberState("93 % of facts\n0.1 s", Image.new("RGB", (64, 64), "red")),
        "glide": MemberState("weights are not installed", None, 'run "telephone learn glide" & wait'),
    }
    tree = ElementTree.fromstring(family_tree(states, "a <red> apple"))
    texts = [node.text for node in tree.iter() if node.tag.endswith("text")]
    assert {member.name for member in MEMBERS} <= set(texts)
    assert "93 % of facts" in texts
    assert sum(node.tag.endswith("image") for node in tree.iter()) == 1

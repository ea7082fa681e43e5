"""The sets of the package: their sizes, their exact content, and that they are what they say of themselves."""

import json
from pathlib import Path

import pytest

from telephone import prompts, world
from telephone.core.errors import PromptError
from telephone.core.images import content_hash
from telephone.prompts import generate
from telephone.prompts.builtin import DATA

HASHES = {
    "article.jsonl": "5ff014c9f821cf4f8a834514befceb5839e20766f59a281ccba4e5e9d933f08b",
    "pocket.jsonl": "1cfc242c859323710474ce27fb60fbad03264e3f09cdfba96e7f6dfc988262fa",
    "pocket-100.jsonl": "07dd4477c1aeabbd3a6e541f769c76b832671e0a60ce8edab778fcd1fc2ec241",
    "pocket-images.jsonl": "c6a9ad0b2c548e84dc0c947b55ced1e8cbc484c2f2deb53f5b66130e038396a4",
}
PICTURES = "f0ad145cde08556976d3d055dd2922a82511b6597231b53b562429fc699c7668"
"""A prompt that changes makes old and new runs incomparable: this test must be changed with it, on purpose."""


def lines(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def levels(name: str) -> list[int]:
    found = [prompt.level for prompt in prompts.get(name)]
    return [found.count(level) for level in ("easy", "medium", "hard", "impossible")]


def test_sizes_and_levels() -> None:
    assert {each.name: len(prompts.get(each.name)) for each in prompts.SETS} == {
        each.name: each.size for each in prompts.SETS
    }
    assert levels("pocket") == levels("article") == levels("pocket-images") == [3, 3, 3, 1]
    assert levels("pocket-100") == [30, 30, 30, 10]


@pytest.mark.parametrize("name", HASHES)
def test_data_has_not_changed(name: str) -> None:
    assert content_hash((DATA / name).read_bytes()) == HASHES[name]


@pytest.mark.parametrize("name", ["pocket", "pocket-100", "pocket-images"])
def test_texts_are_exactly_understood(name: str) -> None:
    for prompt, line in zip(prompts.get(name), lines(name), strict=True):
        reading = world.read(prompt.text)
        assert reading.unknown == ()
        assert reading.scene == generate.scene_of(line)
        assert world.level_of(reading.scene) == prompt.level


def test_pocket_100_is_kept_from_training() -> None:
    for line in lines("pocket-100"):
        assert any(world.held_out(thing.kind, thing.colour) for thing in generate.scene_of(line).things)


def test_data_can_be_made_again(tmp_path: Path) -> None:
    generate.write(tmp_path)
    for name in ("pocket.jsonl", "pocket-100.jsonl", "pocket-images.jsonl"):
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes()
    assert len(list((tmp_path / "pocket-images").iterdir())) == 10


def test_pictures_have_not_changed() -> None:
    found = [content_hash((DATA / str(line["image"])).read_bytes()) for line in lines("pocket-images")]
    assert content_hash(" ".join(found).encode()) == PICTURES


def test_pictures_are_small_and_distinct() -> None:
    found = prompts.get("pocket-images")
    assert all(prompt.first == "image" for prompt in found)
    assert len({prompt.image for prompt in found}) == 10
    assert [prompt.text for prompt in found] == [prompt.text for prompt in prompts.get("pocket")]


def test_get() -> None:
    assert prompts.get_prompts() == prompts.get("pocket") == prompts.get(" Pocket ")
    assert [prompt.id for prompt in prompts.get("pocket:easy")] == ["red-boat", "blue-lamp", "blue-butterfly"]
    assert {prompt.source for prompt in prompts.get("article")} == {"article"}
    assert prompts.get(DATA / "article.jsonl")[0].text == prompts.get("article")[0].text


def test_get_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.txt").write_text("A cat\n")
    monkeypatch.chdir(tmp_path)
    assert prompts.get("mine.txt")[0].text == prompts.get(str(tmp_path / "mine.txt"))[0].text == "A cat"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("poket", "There is no prompt set 'poket'. Did you mean pocket"),
        ("zzz", "There is no prompt set 'zzz'. Use one of pocket, pocket-100, pocket-images, article"),
        ("", "There is no prompt set ''"),
        ("pocket:hrad", "'hrad' is not a level: write pocket:LEVEL"),
        ("gone.txt", "There is no file gone.txt"),
        ("a\0b", "There is no prompt set"),
    ],
)
def test_unknown(name: str, message: str) -> None:
    with pytest.raises(PromptError) as caught:
        prompts.get(name)
    assert message in str(caught.value)

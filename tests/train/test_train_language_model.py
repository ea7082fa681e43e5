"""The exchanges that the language model learns from, the visual words among them, and its recipe from end to end."""

import json
from itertools import chain

import numpy as np
import pytest
import torch

from telephone import world
from telephone.nets.checkpoint import read_metadata, read_weights
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.tokenizer import PAD, UNKNOWN, ChatTokenizer
from telephone.train import language_model
from telephone.train import language_model_data as lessons
from telephone.train.common import exchanges
from telephone.train.common import visual_words as spoken
from telephone.train.common.evaluation import mark
from telephone.train.common.recipe import Recipe
from telephone.world.questions import answer

SCENES = [lessons.scene_for("test", index) for index in range(150)]


@pytest.fixture(autouse=True)
def _small_pools(monkeypatch):
    monkeypatch.setattr(lessons.Batches, "POOL", 3)


@pytest.fixture(scope="module")
def tokenizer():
    return ChatTokenizer(language_model.learn_words(400))


def test_scenes_are_those_of_training():
    pairs = {(thing.kind, thing.colour) for scene in SCENES for thing in scene.things}
    assert len(pairs) > 80
    assert not any(world.held_out(*pair) for pair in pairs)
    assert max(len(lessons.scene_for("test", index, 2).things) for index in range(50)) == 2


# --- exchanges ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["detailed", "sentence", "chinese"])
def test_a_full_answer_tells_every_fact(kind):
    rng = np.random.default_rng(0)
    for scene in SCENES:
        asked, told = exchanges.exchange(scene, rng, (kind,))
        assert asked in exchanges.INSTRUCTIONS[kind]
        assert world.compare(scene, world.parse(told)).kept == world.atoms(scene)
        assert world.parse(told) == exchanges.telling(scene)


def test_a_short_answer_is_short_and_true():
    rng = np.random.default_rng(0)
    for scene in SCENES:
        _, told = exchanges.exchange(scene, rng, ("short",))
        read = world.parse(told)
        assert len(read.things) <= 2
        assert read.setting == scene.setting
        assert {(t.kind, t.colour, t.count, t.size) for t in read.things} <= {
            (t.kind, t.colour, t.count, t.size) for t in scene.things
        }


def test_questions_have_their_right_answers():
    rng = np.random.default_rng(0)
    for scene in SCENES:
        asked, told = exchanges.exchange(scene, rng, ("question",))
        assert answer(scene, asked) == told


def test_all_kinds_are_drawn_and_no_others():
    rng = np.random.default_rng(0)
    told = {exchanges.exchange(SCENES[0], rng).instruction for _ in range(300)}
    assert told >= set(chain(*exchanges.INSTRUCTIONS.values()))
    few = {exchanges.exchange(SCENES[0], rng, ("short", "detailed")).instruction for _ in range(100)}
    assert few == {*exchanges.INSTRUCTIONS["short"], *exchanges.INSTRUCTIONS["detailed"]}
    with pytest.raises(KeyError):
        exchanges.exchange(SCENES[0], rng, ("poem",))


def test_the_default_task_is_the_experiments():
    assert exchanges.INSTRUCTIONS["detailed"][0] == exchanges.DETAILED == "Write a detailed description of this image."


def test_a_context_tells_every_fact_in_some_order():
    rng = np.random.default_rng(0)
    for scene in SCENES:
        assert world.compare(scene, world.parse(exchanges.context(scene, rng))).kept == world.atoms(scene)
    scene = max(SCENES, key=lambda scene: len(scene.things))
    assert len({exchanges.context(scene, rng) for _ in range(60)}) > 40


# --- numbers --------------------------------------------------------------------------------------------------------


def test_visual_words_are_the_vectors_that_describers_start_from(tokenizer):
    model = LanguageModel(LanguageModelConfig(words=tokenizer.words[8:], width=16, layers=1))
    words = torch.tensor([lessons.visual_words(tokenizer, scene) for scene in SCENES])
    assert words.shape == (len(SCENES), spoken.QUERIES, 2)
    assert not (words == UNKNOWN).any()
    mean = model.embed(words.flatten(1)).unflatten(1, (-1, 2)).mean(2)
    assert torch.equal(mean, spoken.vectors(SCENES, model, tokenizer))


def test_every_word_of_an_exchange_is_known(tokenizer):
    batches = lessons.Batches(tokenizer, "known", 0)
    drawn = [lesson for _ in range(4) for lesson in batches.draw(1.0)]
    unknown = sum(UNKNOWN in chain(lesson.answer, *lesson.told) for lesson in drawn)
    assert unknown <= len(drawn) // 50


def test_what_is_asked_is_the_answer_and_the_text_but_no_visual_word(tokenizer):
    batches = lessons.Batches(tokenizer, "asked", 0)
    drawn = batches.draw(1.0)
    numbers = lessons.stacked(drawn)
    words = numbers.words[:, 1:, 0]
    for row, lesson in enumerate(drawn):
        assert words[row][numbers.answers[row]].tolist() == lesson.answer
        told = [first for first, _ in lesson.told[1:]]
        if lesson.visual:
            del told[2 : 2 + spoken.QUERIES]
        assert words[row][numbers.told[row]].tolist() == told
        assert int(numbers.visual[row].sum()) == (spoken.QUERIES if lesson.visual else 0)
        start = len(lesson.told) + len(lesson.answer)
        assert (numbers.words[row, start:] == PAD).all()
    assert {lesson.visual for lesson in drawn} == {True, False}


def test_batches_are_alike_in_length_easy_at_first_and_repeatable(tokenizer):
    early = [lesson for _ in range(3) for lesson in lessons.Batches(tokenizer, "a", 0).draw(0.0)]
    late = [lesson for _ in range(3) for lesson in lessons.Batches(tokenizer, "a", 0).draw(1.0)]
    assert early == [lesson for _ in range(3) for lesson in lessons.Batches(tokenizer, "a", 0).draw(0.0)]
    assert early != [lesson for _ in range(3) for lesson in lessons.Batches(tokenizer, "a", 1).draw(0.0)]
    assert sum(len(lesson.answer) for lesson in early) < sum(len(lesson.answer) for lesson in late)
    batch = lessons.Batches(tokenizer, "a", 0).draw(1.0)
    lengths = [len(lesson.told) + len(lesson.answer) for lesson in batch]
    assert len(batch) == lessons.BATCH
    assert max(lengths) - min(lengths) < 80


def test_only_visual_words_are_blurred(tokenizer):
    model = LanguageModel(LanguageModelConfig(words=tokenizer.words[8:], width=16, layers=1))
    numbers = lessons.stacked(lessons.Batches(tokenizer, "blur", 0).draw(0.0))
    x = language_model.vectors_of(model, numbers, torch.Generator().manual_seed(0))
    clear = (model.embed(numbers.words[..., 0]) + model.embed(numbers.words[..., 1])) / 2
    apart = (x - clear).norm(dim=-1) > 0
    assert torch.equal(apart, numbers.visual)


# --- the recipe -----------------------------------------------------------------------------------------------------


def test_answers_come_back_in_the_order_of_the_questions(tokenizer):
    torch.manual_seed(0)
    model = LanguageModel(LanguageModelConfig(words=tokenizer.words[8:], width=16, layers=1, max_tokens=60)).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.4)
    rng = np.random.default_rng(0)
    abouts = [lessons.text_words(tokenizer, scene, rng)[:20] for scene in SCENES[:6]]
    asked = ["Is there a cat?", exchanges.DETAILED] * 3
    together = language_model.answer_all(model, tokenizer, abouts, asked)
    alone = [
        language_model.answer_all(model, tokenizer, [about], [ask])[0] for about, ask in zip(abouts, asked, strict=True)
    ]
    assert together == alone
    assert len(set(together)) > 1


def test_facts_are_counted():
    scene = world.parse("A red cat on the left and a blue dog on the right, on a beach.")
    said = ["A red cat on the left and a green dog on the right, on a beach.", ""]
    assert str(mark([scene], said[:1])) == "6 of 7 facts are told, among 7 that are said"
    assert str(mark([scene], said[1:])) == "0 of 7 facts are told, among 0 that are said"


@pytest.mark.slow
def test_the_recipe_makes_a_file_that_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(lessons, "BATCH", 4)
    monkeypatch.setattr(language_model, "learn_words", lambda: ChatTokenizer(()).learn(["a red cat"]).words[8:])
    monkeypatch.setattr(language_model, "show", lambda *_: None)
    recipe = Recipe(tmp_path / "r", tmp_path / "language-model.safetensors", minutes=0.02, threads=1)
    path = language_model.main(recipe)
    config, about = read_metadata(path)
    assert about == {"player": "pocket/language-model", "seed": 0, "minutes": 0.02}
    model = LanguageModel(LanguageModelConfig.from_dict(config))
    read_weights([path], model)
    rows = [json.loads(line) for line in (tmp_path / "r" / "language-model.jsonl").read_text().splitlines()]
    assert rows
    assert all(np.isfinite(row["loss"]) for row in rows)
    first = path.read_bytes()
    assert language_model.main(recipe).read_bytes() == first


@pytest.mark.slow
def test_an_examination_is_written_down(tmp_path, tokenizer, capsys):
    model = LanguageModel(LanguageModelConfig(words=tokenizer.words[8:], width=16, layers=1, max_tokens=150))
    recipe = Recipe(tmp_path, tmp_path / "w.safetensors", minutes=0.02, threads=1)
    language_model.show(recipe, model, tokenizer, "now", 1)
    told = (tmp_path / "samples" / "now.txt").read_text("utf-8")
    assert told.count("facts are told, among") == 6
    assert "visual words" in told
    assert "now # hard, texts" in capsys.readouterr().out
    assert model.training

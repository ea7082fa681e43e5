"""The instructions that the language model learns from, the visual words among them, and its recipe."""

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
from telephone.train.common import instructions
from telephone.train.common.data import visible
from telephone.train.common.heads import QUERIES
from telephone.train.common.stage import Stage
from telephone.train.common.visual_words import word_embeddings
from telephone.world.questions import answer

SCENES = [lessons.scene_for("test", index) for index in range(150)]


@pytest.fixture(scope="module")
def tokenizer():
    return ChatTokenizer(language_model.learn_words(400))


def test_scenes_are_those_of_training():
    pairs = {(thing.kind, thing.colour) for scene in SCENES for thing in scene.things}
    assert len(pairs) > 80
    assert not any(world.held_out(*pair) for pair in pairs)
    assert max(len(lessons.scene_for("test", index, 2).things) for index in range(50)) == 2


def stated_facts(scene):
    """The facts that a description states: it leaves out that a single thing stands in the middle."""
    middle = world.Atom(0, "place", "middle")
    return tuple(atom for atom in world.atoms(scene) if len(scene.things) > 1 or atom != middle)


# --- instructions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["detailed", "sentence", "chinese"])
def test_a_full_answer_tells_every_fact(kind):
    rng = np.random.default_rng(0)
    for scene in SCENES:
        asked, told = instructions.instruction(scene, rng, (kind,))
        assert asked in instructions.INSTRUCTIONS[kind]
        assert world.compare(scene, world.parse(told)).kept == stated_facts(scene)
        assert world.parse(told) == visible(scene)


def test_a_short_answer_is_short_and_true():
    rng = np.random.default_rng(0)
    for scene in SCENES:
        _, told = instructions.instruction(scene, rng, ("short",))
        read = world.parse(told)
        assert len(read.things) <= 2
        assert read.setting == scene.setting
        assert {(t.kind, t.colour, t.count, t.size) for t in read.things} <= {
            (t.kind, t.colour, t.count, t.size) for t in scene.things
        }


def test_questions_have_their_right_answers():
    rng = np.random.default_rng(0)
    for scene in SCENES:
        asked, told = instructions.instruction(scene, rng, ("question",))
        assert answer(scene, asked) == told


def test_all_kinds_are_drawn_and_no_others():
    rng = np.random.default_rng(0)
    told = {instructions.instruction(SCENES[0], rng).text for _ in range(300)}
    assert told >= set(chain(*instructions.INSTRUCTIONS.values()))
    few = {instructions.instruction(SCENES[0], rng, ("short", "detailed")).text for _ in range(100)}
    assert few == {*instructions.INSTRUCTIONS["short"], *instructions.INSTRUCTIONS["detailed"]}
    with pytest.raises(KeyError):
        instructions.instruction(SCENES[0], rng, ("poem",))


def test_the_default_task_is_the_experiments():
    assert (
        instructions.INSTRUCTIONS["detailed"][0]
        == instructions.DETAILED
        == "Write a detailed description of this image."
    )


def test_a_context_tells_every_fact_in_some_order():
    rng = np.random.default_rng(0)
    for scene in SCENES:
        found = world.compare(scene, world.parse(instructions.description(scene, rng)))
        assert found.kept == stated_facts(scene)
    scene = max(SCENES, key=lambda scene: len(scene.things))
    assert len({instructions.description(scene, rng) for _ in range(60)}) > 40


# --- numbers --------------------------------------------------------------------------------------------------------


def test_visual_words_are_those_of_the_image_to_text_models(tokenizer):
    model = LanguageModel(LanguageModelConfig(words=tokenizer.words[8:], width=16, layers=1))
    words = torch.tensor([lessons.visual_words(tokenizer, scene) for scene in SCENES])
    assert words.shape == (len(SCENES), QUERIES, 2)
    assert not (words == UNKNOWN).any()
    mean = model.embed(words.flatten(1)).unflatten(1, (-1, 2)).mean(2)
    assert torch.equal(mean, word_embeddings(SCENES, model, tokenizer))


@pytest.fixture(scope="module")
def drawn(tokenizer):
    return lessons.examples(tokenizer, np.random.default_rng(0), 120)


def test_every_word_of_an_example_is_known(drawn):
    unknown = sum(UNKNOWN in chain(one.answer, *one.prompt) for one in drawn)
    assert unknown <= len(drawn) // 50


def test_targets_are_the_answer_and_the_text_but_no_visual_word(drawn):
    batch = lessons.stacked(drawn[:40])
    words = batch.words[:, 1:, 0]
    for row, one in enumerate(drawn[:40]):
        assert words[row][batch.answers[row]].tolist() == one.answer
        context = [first for first, _ in one.prompt[1:]]
        if one.visual:
            del context[2 : 2 + QUERIES]
        assert words[row][batch.context[row]].tolist() == context
        assert int(batch.visual[row].sum()) == (QUERIES if one.visual else 0)
        start = len(one.prompt) + len(one.answer)
        assert (batch.words[row, start:] == PAD).all()
    assert {one.visual for one in drawn[:40]} == {True, False}


def test_scenes_are_simple_at_first(tokenizer, make_recipe, monkeypatch):
    monkeypatch.setattr(lessons, "POOL", 1)
    recipe = make_recipe("r", scale=1.0)
    recipe.folder.mkdir()
    stage = Stage(recipe, language_model.STAGES, "language-model", torch.nn.Linear(1, 1), rate=1.0)
    early = next(lessons.text_batches(stage, tokenizer))
    again = next(lessons.text_batches(stage, tokenizer))
    assert all(torch.equal(a, b) for a, b in zip(early, again, strict=True))
    stage.step = stage.steps // 2
    late = next(lessons.text_batches(stage, tokenizer))
    assert len(early.words) == len(late.words) == lessons.BATCH
    assert early.answers.sum() < late.answers.sum()


def test_only_visual_words_get_noise(tokenizer, drawn):
    model = LanguageModel(LanguageModelConfig(words=tokenizer.words[8:], width=16, layers=1))
    batch = lessons.stacked(drawn[:40])
    x = language_model.embeddings(model, batch, torch.Generator().manual_seed(0))
    clean = (model.embed(batch.words[..., 0]) + model.embed(batch.words[..., 1])) / 2
    apart = (x - clean).norm(dim=-1) > 0
    assert torch.equal(apart, batch.visual)


# --- the recipe -----------------------------------------------------------------------------------------------------


def test_answers_come_back_in_the_order_of_the_questions(tokenizer):
    torch.manual_seed(0)
    model = LanguageModel(LanguageModelConfig(words=tokenizer.words[8:], width=16, layers=1, max_tokens=60)).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.4)
    rng = np.random.default_rng(0)
    abouts = [lessons.text_words(tokenizer, scene, rng)[:20] for scene in SCENES[:6]]
    asked = ["Is there a cat?", instructions.DETAILED] * 3
    together = language_model.answer_all(model, tokenizer, abouts, asked)
    alone = [
        language_model.answer_all(model, tokenizer, [about], [ask])[0] for about, ask in zip(abouts, asked, strict=True)
    ]
    assert together == alone
    assert len(set(together)) > 1


@pytest.mark.slow
def test_the_recipe_makes_a_file_that_answers(make_recipe, losses, monkeypatch):
    monkeypatch.setattr(lessons, "BATCH", 4)
    monkeypatch.setattr(language_model, "learn_words", lambda: ChatTokenizer(()).learn(["a red cat"]).words[8:])
    monkeypatch.setattr(language_model, "evaluate", lambda *_: None)
    recipe = make_recipe("language-model")
    path = language_model.main(recipe)
    config, about = read_metadata(path)
    assert about == {"model": "pocket/language-model", "seed": 0, "steps": {"language-model": 1}, "pictures": 80}
    model = LanguageModel(LanguageModelConfig.from_dict(config))
    read_weights([path], model)
    losses(recipe)
    first = path.read_bytes()
    assert language_model.main(recipe).read_bytes() == first


@pytest.mark.slow
def test_an_evaluation_is_written_down(make_recipe, tokenizer, capsys):
    model = LanguageModel(LanguageModelConfig(words=tokenizer.words[8:], width=16, layers=1, max_tokens=150))
    recipe = make_recipe("r")
    recipe.start()
    language_model.evaluate(recipe, model, tokenizer, "now", 1)
    page = (recipe.folder / "samples" / "now.txt").read_text("utf-8")
    assert page.count("stated facts are correct") == 6
    assert "visual words" in page
    assert "now # hard, texts" in capsys.readouterr().out
    assert model.training

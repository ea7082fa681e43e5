"""The recipe of mPLUG-Owl from end to end, the player made of it, and what its tokens are taught to say."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from telephone import world
from telephone.core.errors import UsageError, WeightsError
from telephone.models import image2text
from telephone.models.pocket import PocketMplugOwl, weights
from telephone.nets.checkpoint import read_metadata, save_weights
from telephone.nets.generation import Decoding
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.tokenizer import EOS, PAD, UNKNOWN, ChatTokenizer
from telephone.train import mplug_owl
from telephone.train.common import data, instruction_data, visual_words
from telephone.train.common.recipe import Recipe
from telephone.train.language_model import learn_words
from telephone.world.scene import Scene, Thing


@pytest.fixture(scope="module")
def tokenizer():
    return ChatTokenizer(learn_words(1500))


def language_model(tokenizer, width=192):
    torch.manual_seed(0)
    return LanguageModel(LanguageModelConfig(words=tokenizer.words[8:], width=width, layers=1, heads=2)).eval()


@pytest.mark.slow
def test_the_recipe_makes_a_file_that_answers(tmp_path, monkeypatch, tokenizer):
    monkeypatch.setattr(instruction_data, "SCENES", 2)
    monkeypatch.setattr(instruction_data, "LONG", Decoding(limit=4))
    monkeypatch.setattr(mplug_owl, "BATCH", 4)
    recipe = Recipe(tmp_path / "mplug-owl", tmp_path / "mplug-owl.safetensors", minutes=0.02, threads=1, pictures=64)
    with monkeypatch.context() as without, pytest.raises(WeightsError, match="language-model"):
        package = _package_of(tmp_path / "package", "blip.safetensors")
        without.setattr(weights, "shipped_folder", lambda: package)
        mplug_owl.main(replace(recipe, minutes=0.001))
    model = language_model(tokenizer)
    save_weights(tmp_path / "language-model.safetensors", model, model.config, {})
    path = mplug_owl.main(recipe)
    assert read_metadata(path)[1]["player"] == "pocket/mplug-owl"
    for name in ("look", "read", "see", "follow"):
        rows = [json.loads(line) for line in (recipe.folder / f"{name}.jsonl").read_text().splitlines()]
        assert rows
        assert all(np.isfinite(row["loss"]) for row in rows)
    assert "questions are answered right" in (recipe.folder / "samples" / "follow-last.txt").read_text("utf-8")
    again = mplug_owl.main(replace(recipe, weights=tmp_path / "again.safetensors"))
    assert again.read_bytes() == path.read_bytes()  # all minutes are used up, so nothing more is learned
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    _play()
    torch.nn.init.normal_(model.token.weight)
    save_weights(tmp_path / "language-model.safetensors", model, model.config, {})
    with pytest.raises(WeightsError, match="trained with others"):
        PocketMplugOwl().generate_text(world.render(Scene()))


def _package_of(folder, *names):
    """A package with these weight files alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*names, weights.INDEX):
        shutil.copy(weights.shipped_folder() / name, folder)
    return folder


def _play():
    player = image2text("pocket/mplug-owl?max_tokens=5&temperature=1")
    pictures = [world.render(world.sample("easy", i), 64, i) for i in range(3)]
    told = player.generate_texts(pictures, [1, 2, 3])
    assert len(told) == 3
    assert player.generate_texts(pictures[1:2], [2]) == told[1:2]
    asked = ["What colour is the boat?", "用中文描述这张图片。", "Where?"]
    assert player.answer(pictures, asked, [1, 2, 3])[2:] == player.answer(pictures[2:], asked[2:], [3])
    short = image2text("pocket/mplug-owl?task=Where%3F")
    assert short.traits().fingerprint != image2text("pocket/mplug-owl").traits().fingerprint
    with pytest.raises(UsageError, match="3 pictures and 1 questions"):
        player.answer(pictures, asked[:1])


def test_tokens_are_taught_the_words_of_their_facts(tokenizer):
    model = language_model(tokenizer, width=16)
    scene = Scene("beach", "night", style="neon", things=(Thing("cat", "red", "big", 3, "top left"),))
    said = visual_words.vectors([scene], model, tokenizer)
    assert said.shape == (1, visual_words.QUERIES, 16)
    words = ["neon", "beach", "night", ",", *[","] * 15, None, "three", "big", "red", "cat", *[","] * 10]
    for place, word in enumerate(words):
        if word:
            assert torch.allclose(said[0, place], model.token.weight[tokenizer.encode(word)[0]]), (place, word)
    assert torch.allclose(said[0, 19], model.token.weight[tokenizer.encode("top left")].mean(0))


def test_the_language_model_knows_every_word_that_tokens_are_taught(tokenizer):
    assert all(UNKNOWN not in tokenizer.encode(word) for words in visual_words.WORDS.values() for word in words)


def test_the_best_linear_guess_finds_a_linear_truth():
    torch.manual_seed(0)
    weight, bias, x = torch.randn(3, 5), torch.randn(3), torch.randn(200, 5) + 1
    found = visual_words.best_linear(x, x @ weight.T + bias, ridge=1e-9)
    assert torch.allclose(found[0], weight, atol=1e-4)
    assert torch.allclose(found[1], bias, atol=1e-4)


@pytest.mark.parametrize("texts", [False, True])
def test_lessons_ask_for_the_answer_alone(tokenizer, texts):
    scenes = [data.train_scene("owl", i) for i in range(6)]
    made = instruction_data.Lessons(scenes, tokenizer, np.random.default_rng(0), ("question",), size=5, texts=texts)
    for _, lesson in zip(range(3), made, strict=False):
        assert lesson.tokens.shape == lesson.answers.shape
        assert len(lesson.rows) == 5
        for row, tokens, answers in zip(lesson.rows, lesson.tokens.tolist(), lesson.answers.tolist(), strict=True):
            start = next(i for i, token in enumerate(answers) if token != PAD)
            question = tokenizer.decode(tokens[tokens.index(5) + 1 : start])
            truth = world.questions.answer(scenes[row], question)
            assert tokenizer.decode(answers[start:]) == tokenizer.decode(tokenizer.answer(truth))
            assert tokens[start:] == answers[start:]
            assert tokens[start - 1] == 7  # <assistant>
            assert EOS in answers

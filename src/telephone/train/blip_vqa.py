"""Recipe of the visual question answering of `pocket/blip` (Li et al. 2022, section 5.4), in one stage. Needs `blip`.

A question encoder and an answer decoder start from BLIP's own layers and learn on its frozen image features. Questions
and answers come from `telephone.world.questions`, several an image. BLIP's captions do not change.

    telephone learn blip-vqa --pictures 40000
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from telephone import world
from telephone.nets.blip import Blip, BlipConfig, BlipImageEncoder
from telephone.nets.blip_vqa import Answerer, AnswererConfig
from telephone.nets.checkpoint import save_weights
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.common import data, feature_cache
from telephone.train.common.evaluation import LEVELS, evaluating, held_out_images, write_samples
from telephone.train.common.feature_cache import ImageFeatures
from telephone.train.common.recipe import Recipe, StagePlan, frozen, keep
from telephone.train.common.stage import Stage
from telephone.world.questions import Question, agrees, answer, ask, pose, questions, say, understand
from telephone.world.scene import Scene

STAGES = {"vqa": StagePlan(540, 15)}
IMAGES, EACH = 32, 4
"""Images a step, and questions about each."""
LANGS = ("en",)
SCENES = 32
"""Held-out scenes a level in an evaluation."""
ABOUT = ("colour", "count", "size", "place", "exists", "relation", "things", "setting", "time", "weather", "style")


def main(recipe: Recipe) -> Path:
    """Trains question encoder and answer decoder from where they were stopped, and writes the weight file."""
    device = recipe.start()
    blip: Blip = frozen(recipe, "blip", lambda config: Blip(BlipConfig.from_dict(config)))
    tokenizer = WordTokenizer(keep(recipe.folder / "words.json", learn_words))
    net = Answerer(AnswererConfig(tokenizer.words[4:], blip.config.image.width, blip.config.text.width)).to(device)
    net.start_from(blip)
    key = feature_cache.image_set(recipe)
    images = feature_cache.blip_features(recipe, blip.image_encoder, key, recipe.pictures)
    train_answers(recipe, net, tokenizer, images, blip.image_encoder)
    save_weights(recipe.weights, net, net.config, recipe.about("pocket/blip", "blip"), bits=8)
    return recipe.weights


def learn_words(scenes: int = 12_000) -> tuple[str, ...]:
    """Returns every word of questions and answers, in alphabetical order."""
    rng = np.random.default_rng(0)
    pairs = [questions(data.train_scene("words", i), rng, LANGS) for i in range(scenes)]
    return WordTokenizer.learn(text for pair in pairs for text in pair).words[4:]


def train_answers(
    recipe: Recipe, net: Answerer, tokenizer: WordTokenizer, images: ImageFeatures, encoder: BlipImageEncoder
) -> None:
    """Trains question encoder and answer decoder on the cross-entropy of the answers."""
    net.train()
    stage = Stage(recipe, STAGES, "vqa", net, rate=8e-4)
    for step in stage:
        rng = stage.rng
        rows = rng.integers(len(images.scenes), size=IMAGES)
        pairs = [questions(images.scenes[row], rng, LANGS) for row in rows for _ in range(EACH)]
        asked = tokenizer.batch([question for question, _ in pairs], net.config.max_question).to(recipe.device)
        answers = tokenizer.batch([text for _, text in pairs], net.config.max_answer).to(recipe.device)
        stage.update(net.loss(images.batch(rows).to(recipe.device), asked, answers))
        if step % 2000 == 1999:
            evaluate(recipe, net, tokenizer, encoder, f"vqa-{step}")
    stage.finish()
    evaluate(recipe, net, tokenizer, encoder, "vqa-last")


# --- evaluation -----------------------------------------------------------------------------------------------------


def evaluate(recipe: Recipe, net: Answerer, tokenizer: WordTokenizer, encoder: BlipImageEncoder, name: str) -> None:
    """Writes questions and answers about held-out images, with the share of right answers by kind of question."""
    lines: list[str] = []
    with evaluating(net):
        for level in LEVELS:
            scenes, x = held_out_images(recipe, level, SCENES)
            patches = encoder(x)
            asked = [(i, text) for i, scene in enumerate(scenes) for text in one_of_each(scene, i)]
            texts = _answers(recipe, net, tokenizer, patches[[i for i, _ in asked]], [text for _, text in asked])
            shares = _shares(scenes, asked, texts)
            facts = _fact_share(recipe, net, tokenizer, scenes, patches)
            lines.append(f"# {level}: per cent right: {shares}; facts confirmed by their own question: {facts:.1f} %")
            print(f"{name} {lines[-1]}", flush=True)
            lines += [f"{text} -> {said}" for (_, text), said in list(zip(asked, texts, strict=True))[:24]]
    write_samples(recipe, name, lines)


def one_of_each(scene: Scene, seed: int) -> list[str]:
    """Returns one question of each kind that has an answer about the scene."""
    rng = np.random.default_rng(seed)
    posed = [question for about in ABOUT if (question := pose(scene, about, rng)) is not None]
    return [say(question) for question in posed if answer(scene, say(question)) is not None]


def _shares(scenes: list[Scene], asked: list[tuple[int, str]], texts: list[str]) -> str:
    right: dict[str, list[bool]] = {}
    for (i, question), text in zip(asked, texts, strict=True):
        about = understand(question) or Question("none")
        right.setdefault(about.about, []).append(answer(scenes[i], question) == text)
    return ", ".join(f"{about} {100 * np.mean(each):.0f}" for about, each in sorted(right.items()))


def _fact_share(recipe: Recipe, net: Answerer, tokenizer: WordTokenizer, scenes: list[Scene], patches: Tensor) -> float:
    """Returns the share of the scenes' facts, in per cent, that the answer to the question about them agrees with."""
    asked = [(i, atom) for i, scene in enumerate(scenes) for atom in world.atoms(scene)]
    questions_ = [ask(scenes[i], atom) for i, atom in asked]
    texts = _answers(recipe, net, tokenizer, patches[[i for i, _ in asked]], questions_)
    return 100 * float(np.mean([bool(agrees(atom, text)) for (_, atom), text in zip(asked, texts, strict=True)]))


@torch.no_grad()
def _answers(recipe: Recipe, net: Answerer, tokenizer: WordTokenizer, patches: Tensor, asked: list[str]) -> list[str]:
    texts: list[str] = []
    for start in range(0, len(asked), 128):
        part = asked[start : start + 128]
        tokens = tokenizer.batch(part, net.config.max_question).to(recipe.device)
        answers = net.answer(patches[start : start + 128], tokens, [0] * len(part))
        texts += [tokenizer.decode(row) for row in answers.tolist()]
    return texts

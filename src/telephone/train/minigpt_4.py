"""Recipe of `pocket/minigpt-4`, in two stages: align, converse. Needs `blip`, `blip-2` and `language-model`.

Nothing learns but one linear layer between BLIP-2's Q-Former and the language model, both frozen. It starts as BLIP-2's
own, because the language model is the same; the paper's starts fresh, before another language model.

1. *Align* (Zhu et al. 2023, section 3.1): many pictures with descriptions of every length.
2. *Converse* (section 3.2): a few hundred detailed descriptions in the form of a conversation, and here as many short
   and Chinese ones, and questions: each picture once or a few times more.

    telephone learn minigpt-4 --minutes 8 --pictures 24000
"""

from pathlib import Path

import numpy as np
import torch

from telephone.nets.blip_2 import Blip2, Blip2Config, talk_loss
from telephone.nets.checkpoint import save_weights
from telephone.nets.minigpt_4 import MiniGpt4, MiniGpt4Config
from telephone.train.blip_2 import BATCH, KINDS, Listener, listen
from telephone.train.common import feature_cache
from telephone.train.common.exchanges import ALL
from telephone.train.common.instruction_data import Lessons
from telephone.train.common.recipe import Recipe, Stage, frozen

MINUTES = 8.0
SHARES = {"align": 0.7, "converse": 0.3}
RATES = {"align": 2e-3, "converse": 5e-4}
CURATED = 1000
"""Pictures of the second stage, two in five with a detailed description."""


def main(recipe: Recipe) -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file."""
    recipe.start()
    encoder = feature_cache.blip_encoder(recipe)
    model, tokenizer = feature_cache.language_model(recipe)
    teacher: Blip2 = frozen(recipe, "blip-2", lambda config: Blip2(Blip2Config.from_dict(config)))
    seen = feature_cache.squares(recipe, encoder, f"sight {recipe.seed}", recipe.pictures)
    net = MiniGpt4(MiniGpt4Config(teacher.config.qformer.width, model.config.width)).to(recipe.device)
    net.projection.load_state_dict(teacher.projection.state_dict())
    listener = Listener(model, tokenizer, encoder)
    learn(recipe, "align", net, teacher, seen, listener)
    few = feature_cache.Seen(seen.scenes[:CURATED], seen.squares[:CURATED])
    learn(recipe, "converse", net, teacher, few, listener)
    about = {
        "player": "pocket/minigpt-4",
        "seed": recipe.seed,
        "minutes": recipe.minutes,
        "reads": feature_cache.marks(recipe, "blip", "blip-2", "language-model"),
    }
    save_weights(recipe.weights, net, net.config, about)
    return recipe.weights


def learn(
    recipe: Recipe, name: str, net: MiniGpt4, teacher: Blip2, seen: feature_cache.Seen, listener: Listener
) -> None:
    """Trains the layer in one of the two stages on the frozen language model's loss."""
    stage = Stage(recipe, name, SHARES[name] * recipe.minutes, net.train(), rate=RATES[name])
    rng = np.random.default_rng(recipe.seed + (name == "converse") + stage.step)
    lessons = Lessons(seen.scenes, listener.tokenizer, rng, KINDS if name == "align" else ALL, BATCH)
    for step, lesson in zip(stage, lessons, strict=False):
        with torch.no_grad():
            found, _ = teacher.qformer(seen.batch(lesson.rows).to(recipe.device))
        said = net.projection(found)
        told = talk_loss(listener.model, said, lesson.tokens.to(recipe.device), lesson.answers.to(recipe.device))
        stage.update(told)
        if step % 1000 == 0:
            listen(recipe, lambda squares: net(teacher.qformer, squares), listener, f"{name}-{step}")
    stage.finish()
    listen(recipe, lambda squares: net(teacher.qformer, squares), listener, f"{name}-last")

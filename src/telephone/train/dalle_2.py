"""Recipe of `pocket/dalle-2`, in four stages that may be run in any order and side by side.

It starts from what other recipes made: CLIP, which is never changed, and latent diffusion. The decoder is latent
diffusion's U-Net on pixels, so it begins with the trunk and the text encoder that `pocket/stable-diffusion` has
learned, and only its first and last layer and what concerns the image embedding are new (`start_from`). This stands in
for the large GPU runs behind the paper's decoder; without it the stage would have to be several times as long.

- The upsampler learns to enlarge true pictures that were made small and slightly spoiled (Ramesh et al. 2022,
  section 2.2). Errors count absolutely, and so do those of edges: a mean of what might be would be blurred.
- The decoder learns to draw 32 x 32 pixels from the CLIP embedding of the true picture and from its sentence
  (section 2.1), the one dropped in 10 %, the other in 50 % of the samples.

    telephone learn dalle-2 --minutes 80
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from telephone import world
from telephone.images import content_hash
from telephone.nets import diffusion
from telephone.nets.checkpoint import read_metadata, read_weights
from telephone.nets.clip import Clip, ClipConfig, TextConfig
from telephone.nets.latent_diffusion import LatentDiffusionConfig, TextEncoderConfig
from telephone.nets.layers import channels_last
from telephone.nets.tokenizer import WordTokenizer
from telephone.nets.unclip import UnClip, UnClipConfig, Upsampler, UpsamplerConfig, corrupt, shrink
from telephone.players import weights
from telephone.train import data
from telephone.train.common import Recipe, Stage, keep
from telephone.world.render import render_array

MINUTES = 80.0
SHARES = {"upsampler": 0.1, "decoder": 0.75, "prior": 0.1, "ar-prior": 0.05}
CLIP, DRAWER = "clip", "stable-diffusion"
"""The weight files that the recipe starts from."""
NEW = ("conv_in.", "out.2.", "image_time.", "image_tokens.", "null_image")
"""Beginnings of the decoder's weights that latent diffusion does not have, or has for latents."""


# --- what the stages start from -------------------------------------------------------------------------------------


def borrow(recipe: Recipe, name: str) -> Path:
    """Returns a copy of another recipe's weight file in the recipe's folder, made at the first call and then kept.

    A file beside the one that is to be written comes first, then those that the players use. All stages, and those that
    are resumed, so start from the same weights, whatever is learned meanwhile.
    """
    path = recipe.folder / f"{name}.start"
    if not path.exists():
        beside = recipe.weights.with_name(f"{name}.safetensors")
        part = path.with_suffix(".part")
        part.write_bytes((beside if beside.exists() else weights.find(name)[0]).read_bytes())
        part.replace(path)
    return path


def load_clip(recipe: Recipe) -> Clip:
    """Returns the frozen CLIP that the recipe started from."""
    path = borrow(recipe, CLIP)
    clip = Clip(ClipConfig.from_dict(read_metadata(path)[0]))
    read_weights([path], clip)
    return channels_last(clip).to(recipe.device).eval().requires_grad_(requires_grad=False)


def build(recipe: Recipe) -> UnClip:
    """Returns the net as it is before its own training: everything new but what `start_from` takes over."""
    clip = ClipConfig.from_dict(read_metadata(borrow(recipe, CLIP))[0])
    path = borrow(recipe, DRAWER)
    text = LatentDiffusionConfig.from_dict(read_metadata(path)[0]).text
    net = UnClip(UnClipConfig(embedding=clip.embedding, text=text))
    start_from(net, path)
    return channels_last(net).to(recipe.device)


def start_from(net: UnClip, path: Path) -> None:
    """Puts latent diffusion's text encoder and the trunk of its U-Net into unCLIP's decoder.

    Raises:
        RuntimeError: the trunks are not of one shape.
    """
    learned = {name: value.float() for name, value in load_file(path).items()}
    words = {name: value for name, value in learned.items() if name.startswith("text_encoder.")}
    net.text_encoder.load_state_dict({name.removeprefix("text_encoder."): value for name, value in words.items()})
    trunk = {name.removeprefix("unet."): value for name, value in learned.items() if name.startswith("unet.")}
    fresh = {name: value for name, value in net.decoder.state_dict().items() if name.startswith(NEW)}
    net.decoder.load_state_dict(trunk | fresh)


@dataclass
class Drawings:
    """The training pictures, with what prior and decoder need to know of them."""

    pixels: Tensor
    """uint8 [n, 3, 32, 32]"""
    weight: Tensor
    """[n, 1, 32, 32]: 1 on the backdrop, up to 5 on things."""
    texts: list[list[str]]
    """Two sentences a picture: [2][n]."""
    embeddings: Tensor
    """[n, embedding]: CLIP's, of unit length."""


def measured(recipe: Recipe, net: UnClip, drawings: Drawings | None) -> None:
    """Sets the scale of the embeddings: measured by the stage that comes first, and the same for all."""

    def measure() -> list[list[float]]:
        assert drawings is not None
        net.space.measure(drawings.embeddings.to(net.space.mean.device))
        return [net.space.mean.tolist(), net.space.std.tolist()]

    mean, std = keep(recipe.folder / "space.json", measure)
    net.space.mean.copy_(torch.tensor(mean))
    net.space.std.copy_(torch.tensor(std))


def prepare(recipe: Recipe, clip: Clip) -> Drawings:
    """Renders the training set (still, as for latent diffusion) and embeds it; the embeddings are kept in a file."""
    pictures = data.paint(f"draw {recipe.seed}", recipe.pictures, masks=True, still=True)
    rng = np.random.default_rng(recipe.seed)
    texts = [[data.any_caption(scene, rng) for scene in pictures.scenes] for _ in range(2)]
    embeddings = embed(recipe, clip, pictures.pixels)
    four = pictures.pixels.reshape(-1, 32, 2, 32, 2, 3).sum(axis=(2, 4), dtype=np.uint16)
    small = ((four + 2) // 4).astype(np.uint8)
    weight = F.interpolate(1 + 4 * torch.from_numpy(pictures.things)[:, None], scale_factor=2.0)
    return Drawings(torch.from_numpy(small.transpose(0, 3, 1, 2).copy()), weight, texts, embeddings)


@torch.no_grad()
def embed(recipe: Recipe, clip: Clip, pixels: np.ndarray) -> Tensor:
    """Returns CLIP's embeddings of the training pictures [n, embedding], computed once for all stages."""
    print_ = content_hash(borrow(recipe, CLIP).read_bytes())[:8]
    path = recipe.folder / f"embeddings-{print_}-{recipe.seed}-{len(pixels)}.safetensors"
    if not path.exists():
        starts = range(0, len(pixels), 250)
        batches = (torch.from_numpy(data.to_unit(pixels[i : i + 250])).to(recipe.device) for i in starts)
        parts = [F.normalize(clip.encode_image(x), dim=-1).cpu().half() for x in batches]
        part = path.with_suffix(".part")
        save_file({"embeddings": torch.cat(parts)}, part)
        part.replace(path)
    return load_file(path)["embeddings"].float()


# --- enlarge --------------------------------------------------------------------------------------------------------


def learn_to_enlarge(recipe: Recipe, net: Upsampler | None = None) -> Upsampler:
    """Trains the upsampler, from 32 x 32 to 64 x 64 pixels; needs no other stage."""
    device = recipe.start()
    net = channels_last(net or Upsampler(UpsamplerConfig())).to(device)
    stage = Stage(recipe, "upsampler", SHARES["upsampler"] * recipe.minutes, net, rate=2e-3)
    count = max(64, recipe.pictures // 4)
    pictures = data.paint(f"enlarge {recipe.seed}", count, masks=True) if stage.used < stage.seconds else None
    rng = np.random.default_rng(recipe.seed + stage.step)
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    for step in stage:
        assert pictures is not None
        rows = rng.integers(len(pictures.pixels), size=24)
        x = torch.from_numpy(data.to_unit(pictures.pixels[rows])).to(device, memory_format=torch.channels_last)
        weight = F.interpolate(1 + 3 * torch.from_numpy(pictures.things[rows])[:, None], scale_factor=4.0)
        stage.update(enlarge_loss(net, x, weight.to(device), generator))
        if step % 500 == 0:
            show_enlarged(recipe, net, f"upsampler-{step}")
    stage.finish()
    show_enlarged(recipe, net, "upsampler-last")
    return net


def enlarge_loss(net: Upsampler, x: Tensor, weight: Tensor, generator: torch.Generator) -> Tensor:
    """Returns the absolute error of the clean picture and of its edges (differences of neighbours)."""
    small = corrupt(shrink(x), generator)
    # Mostly late times: the few steps of sampling start there, and near the end little is left to guess.
    t = (torch.rand(len(x), generator=generator) ** 0.5).to(x.device)
    noise = torch.randn(x.shape, generator=generator).to(x.device)
    error = net(diffusion.add_noise(x, noise, t), t, small) - x
    edges = sum((error.diff(dim=axis).abs() * weight.narrow(axis, 1, x.shape[axis] - 1)).mean() for axis in (2, 3))
    return (weight * error.abs()).mean() + edges


@torch.no_grad()
def show_enlarged(recipe: Recipe, net: Upsampler, name: str) -> None:
    """Writes a sheet of held-out scenes: true pictures, smoothly enlarged ones, those of the net."""
    x = torch.from_numpy(data.to_unit(render_array(*_held_out())))
    small, seeds = shrink(x).to(recipe.device), list(range(len(x)))
    drawn = [x, net.enlarge(small, seeds, steps=0).cpu(), net.enlarge(small, seeds).cpu()]
    _save(recipe, name, [part[i : i + 8].numpy() for i in range(0, len(x), 8) for part in drawn])


# --- draw -----------------------------------------------------------------------------------------------------------


def learn_to_draw(recipe: Recipe, net: UnClip | None = None) -> UnClip:
    """Trains the decoder on embeddings of true pictures; needs CLIP and latent diffusion, but no other stage."""
    recipe.start()
    net, clip = net or build(recipe), load_clip(recipe)
    net.text_encoder.requires_grad_(requires_grad=False)
    stage = Stage(recipe, "decoder", SHARES["decoder"] * recipe.minutes, net.decoder, rate=5e-4)
    drawings = prepare(recipe, clip) if stage.used < stage.seconds else None
    measured(recipe, net, drawings)
    tokens = tokenized(drawings, net.config.text) if drawings else None
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    for step in stage:
        assert drawings is not None and tokens is not None
        stage.update(draw_loss(net, drawings, tokens, generator))
        if step % 600 == 0:
            show_drawn(recipe, net, clip, f"decoder-{step}")
    stage.finish()
    show_drawn(recipe, net, clip, "decoder-last")
    return net


def tokenized(drawings: Drawings, config: TextEncoderConfig | TextConfig) -> Tensor:
    """Returns the sentences as tokens of a text encoder [2, n, its longest input]."""
    tokenizer, limit = WordTokenizer(config.words), config.max_tokens
    return torch.stack([tokenizer.batch(texts, limit, pad_to=limit) for texts in drawings.texts])


def draw_loss(net: UnClip, drawings: Drawings, tokens: Tensor, generator: torch.Generator, batch: int = 24) -> Tensor:
    """Returns the mean square error of x0, weighted by min(1 / sigma^2, 4) and by where the things are."""
    rows = torch.randint(len(drawings.pixels), (batch,), generator=generator)
    wording = torch.randint(2, (batch,), generator=generator)
    device = net.decoder.null_image.device
    x = _unit(drawings.pixels[rows]).to(device, memory_format=torch.channels_last)
    words = tokens[wording, rows]
    words = words[:, : int((words != 0).sum(1).max())].to(device)
    with torch.no_grad():
        text = net.text_encoder(words)
    drop_image, drop_text = (torch.rand(batch, generator=generator).to(device) < share for share in (0.1, 0.5))
    image = net.decoder.drop_image(net.space.enter(drawings.embeddings[rows].to(device)), drop_image)
    text = net.decoder.drop_context(text, drop_text)
    # One stratum a sample makes the loss less noisy; the power prefers late times, where the conditions decide.
    t = ((torch.randperm(batch, generator=generator) + torch.rand(batch, generator=generator)) / batch) ** 0.25
    t, noise = t.to(device), torch.randn(x.shape, generator=generator).to(device)
    x0 = net.decoder.draw(diffusion.add_noise(x, noise, t), t, image, text)
    weight = (1 / diffusion.alpha_sigma(t)[1] ** 2).clamp(max=4)[:, None, None, None]
    return (weight * drawings.weight[rows].to(device) * (x0 - x) ** 2).mean()


def _unit(pixels: Tensor) -> Tensor:
    return pixels.float() / 127.5 - 1


def show_drawn(recipe: Recipe, net: UnClip, clip: Clip, name: str) -> None:
    """Writes a sheet of held-out scenes: true pictures, drawn from their embeddings, and from these without text."""
    scenes, seeds = _held_out()
    x = torch.from_numpy(data.to_unit(render_array(scenes, seeds)))
    tokens = WordTokenizer(net.config.text.words).batch(_texts(scenes), net.config.text.max_tokens).to(recipe.device)
    was = net.decoder.training
    net.decoder.eval()
    with torch.no_grad():
        image = net.space.enter(clip.encode_image(x.to(recipe.device)))
        each = list(range(len(scenes)))
        drawn = [net.decode(image, words, each).cpu() for words in (tokens, None)]
    net.decoder.train(was)
    large = [x, *(F.interpolate(small, scale_factor=2.0) for small in drawn)]
    _save(recipe, name, [part[i : i + 8].numpy() for i in range(0, len(x), 8) for part in large])


# --- sheets ---------------------------------------------------------------------------------------------------------


def _held_out() -> tuple[list[world.Scene], list[int]]:
    """Returns 24 scenes of three levels with held-out pairs, and the seeds of their pictures."""
    scenes = [world.sample(level, i, split="test") for level in ("easy", "medium", "hard") for i in range(8)]
    return scenes, [data.STILL] * len(scenes)


def _texts(scenes: list[world.Scene]) -> list[str]:
    return [world.caption(scene, "en", "plain") for scene in scenes]


def _save(recipe: Recipe, name: str, rows: list[np.ndarray]) -> None:
    folder = recipe.folder / "samples"
    folder.mkdir(exist_ok=True)
    Image.fromarray(data.sheet(rows)).save(folder / f"{name}.png")

"""DALL-E mini (Dayma et al. 2021, doi 10.5281/zenodo.5146400) at pocket size: an encoder-decoder writes VQGAN codes.

An encoder reads the text, and a decoder with causal self-attention and cross-attention to the text predicts the codes
of an image one by one, row by row; the VQGAN (`vqgan.py`) decodes them. Both are BART's (Lewis et al. 2020, arXiv
1910.13461): learned positions, GELU, biases everywhere.

`post_norm` gives the layers of BART itself, which normalise after each residual sum; without it each part is
pre-normalised, as in mBART (Liu et al. 2020, arXiv 2001.08210). Both are numerically equal to those of `transformers`.

Three things differ from the published model, because a pocket net sees few images:

- The text encoder starts with that of the pocket latent diffusion model, as DALL-E mini's started from a trained BART:
  its seven vectors are what the layers of BART's encoder read.
- A position of the decoder is a square of 2 x 2 codes, which a small net draws one after another, each given those
  before it (the depth transformer of Lee et al. 2022, arXiv 2203.01941, section 3.2, without attention). The sequence
  is a quarter as long, and a step costs a quarter. With `square` 1 a position is one code.
- The input of a position holds the codes of the neighbouring squares that precede it, not the last one alone
  (`neighbours` 0): the code above is a whole row away, and a net learns late to attend to it.

Sampling uses super-conditioning, which is classifier-free guidance of logits: (1 - s) empty + s text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.layers import Attention, KeysValues, KeyValueCache
from telephone.nets.stable_diffusion import CaptionEncoder, TextEncoderConfig
from telephone.nets.vqgan import Vqgan


@dataclass
class BartConfig:
    """Shape of encoder and decoder."""

    width: int = 192
    heads: int = 4
    encoder_layers: int = 1
    decoder_layers: int = 5
    expand: int = 3
    """Hidden width of the two-layer nets, in multiples of `width`."""
    post_norm: bool = False
    """True is BART's place of the normalisations, False mBART's."""


@dataclass
class DalleMiniConfig:
    """Hyperparameters that determine the shapes of all weights."""

    text: TextEncoderConfig = field(default_factory=TextEncoderConfig)
    bart: BartConfig = field(default_factory=BartConfig)
    codes: int = 512
    """Number of codes of the VQGAN."""
    code_width: int = 32
    """Width of a code; the vectors start as the VQGAN's."""
    size: int = 16
    """Height and width of the grid of codes."""
    square: int = 2
    """Height and width of the square of codes that is one position of the decoder."""
    neighbours: int = 1
    """Rows above, and columns on each side, whose squares the input of a position holds; 0 is the last one alone."""
    head_width: int = 320
    """Hidden width of the net that draws the codes of a square."""

    @property
    def side(self) -> int:
        """Height and width of the grid of squares."""
        return self.size // self.square

    @classmethod
    def from_dict(cls, values: dict) -> "DalleMiniConfig":
        """Returns the config from the plain values that JSON holds."""
        text = {**values["text"], "words": tuple(values["text"]["words"])}
        rest = {name: value for name, value in values.items() if name not in ("text", "bart")}
        return cls(TextEncoderConfig(**text), BartConfig(**values["bart"]), **rest)


# --- the layers of BART ---------------------------------------------------------------------------------------------


class BartEncoderBlock(nn.Module):
    """Self-attention and a two-layer net, each with a residual sum and a normalisation before or after it."""

    def __init__(self, config: BartConfig) -> None:
        """Builds the layer."""
        super().__init__()
        width = config.width
        self.post_norm = config.post_norm
        self.self_attention = Attention(width, None, config.heads, bias=True)
        self.self_norm = nn.LayerNorm(width)
        self.grow, self.shrink = nn.Linear(width, config.expand * width), nn.Linear(config.expand * width, width)
        self.norm = nn.LayerNorm(width)

    def forward(
        self, x: Float[Tensor, "batch m width"], mask: Bool[Tensor, "batch m"] | None = None
    ) -> Float[Tensor, "batch m width"]:
        """Returns the output sequence; `mask` is true at valid positions."""
        h = x if self.post_norm else self.self_norm(x)
        x = x + self.self_attention(h, mask=mask)
        x = self.self_norm(x) if self.post_norm else x
        return self._two_layers(x)

    def _two_layers(self, x: Tensor) -> Tensor:
        h = x if self.post_norm else self.norm(x)
        x = x + self.shrink(F.gelu(self.grow(h)))
        return self.norm(x) if self.post_norm else x


class BartDecoderBlock(BartEncoderBlock):
    """An encoder's layer with causal self-attention, and cross-attention between it and the two-layer net."""

    def __init__(self, config: BartConfig) -> None:
        """Builds the layer."""
        super().__init__(config)
        self.cross_attention = Attention(config.width, config.width, config.heads, bias=True)
        self.cross_norm = nn.LayerNorm(config.width)

    def decode(
        self,
        x: Float[Tensor, "batch n width"],
        text: KeysValues,
        past: KeyValueCache | None = None,
        mask: Bool[Tensor, "batch m"] | None = None,
    ) -> Float[Tensor, "batch n width"]:
        """Returns the outputs; each position attends to itself, to earlier ones and to the text.

        Args:
            x: all positions, or with `past` the newest one.
            text: keys and values of the encoded text, from `cross_attention.keys`.
            past: keys and values of earlier positions, extended by this call.
            mask: true at valid positions of the text.
        """
        h = x if self.post_norm else self.self_norm(x)
        keys = self.self_attention.keys(h)
        if past is not None:
            keys = past.add(keys)
        x = x + self.self_attention.attend(h, keys, causal=past is None)
        x = self.self_norm(x) if self.post_norm else x
        h = x if self.post_norm else self.cross_norm(x)
        x = x + self.cross_attention.attend(h, text, mask)
        x = self.cross_norm(x) if self.post_norm else x
        return self._two_layers(x)


# --- the net --------------------------------------------------------------------------------------------------------


class SquareHead(nn.Module):
    """Logits of each code of a square, given the decoder's vector of the square and the codes before it in it."""

    def __init__(self, config: DalleMiniConfig) -> None:
        """Builds a two-layer net that all codes of a square share; each has a bias of its own."""
        super().__init__()
        width, hidden, count = config.bart.width, config.head_width, config.square**2
        self.count, self.codes = count, config.codes
        self.state = nn.Linear(width, hidden)
        self.earlier = nn.Linear((count - 1) * config.code_width, hidden, bias=False) if count > 1 else None
        self.bias = nn.Parameter(torch.zeros(count, hidden))
        self.out = nn.Linear(hidden, config.codes)

    def forward(
        self, x: Float[Tensor, "batch n width"], near: Float[Tensor, "batch n k earlier"], first: int = 0
    ) -> Float[Tensor, "batch n k codes"]:
        """Returns logits.

        Args:
            x: the decoder's outputs.
            near: the vectors of the codes before each one in its square, from `DalleMini.earlier_in_square`.
            first: number of the first code in its square; k codes follow.
        """
        h = self.state(x)[:, :, None] + self.bias[first : first + near.shape[2]]
        if self.earlier is not None:
            h = h + self.earlier(near)
        return self.out(F.gelu(h))


class DalleMini(nn.Module):
    """Text encoder, and a decoder of VQGAN codes."""

    before: Tensor

    def __init__(self, config: DalleMiniConfig) -> None:
        """Builds the parts with fresh weights."""
        super().__init__()
        self.config = config
        bart, count = config.bart, config.square**2
        self.text_encoder = CaptionEncoder(config.text)
        self.text_input = nn.Linear(config.text.width, bart.width)
        self.text_position = nn.Parameter(torch.randn(config.text.queries, bart.width) * 0.02)
        self.encoder = nn.ModuleList(BartEncoderBlock(bart) for _ in range(bart.encoder_layers))
        self.encoder_norm = nn.LayerNorm(bart.width)
        self.register_buffer("before", preceding(config.side, config.neighbours), persistent=False)
        # The last row stands for codes that are not there: outside of the image, or not drawn yet.
        self.code = nn.Embedding(config.codes + 1, config.code_width)
        self.code_input = nn.Linear(self.before.shape[1] * count * config.code_width, bart.width)
        self.position = nn.Parameter(torch.randn(config.side**2, bart.width) * 0.02)
        self.decoder = nn.ModuleList(BartDecoderBlock(bart) for _ in range(bart.decoder_layers))
        self.decoder_norm = nn.LayerNorm(bart.width)
        self.head = SquareHead(config)

    def encode(self, context: Float[Tensor, "batch m text"]) -> list[KeysValues]:
        """Returns each decoder layer's keys and values of texts, from the vectors of `text_encoder`."""
        x = self.text_input(context) + self.text_position
        for block in self.encoder:
            x = block(x)
        x = self.encoder_norm(x)
        return [block.cross_attention.keys(x) for block in self.decoder]

    def forward(
        self, squares: Int[Tensor, "batch n k"], context: Float[Tensor, "batch m text"]
    ) -> Float[Tensor, "batch n k codes"]:
        """Returns the logits of every code, given the text and the codes before it.

        Args:
            squares: the codes of images, from `to_squares`.
            context: the texts' vectors, from `text_encoder`.
        """
        x = self.inputs(squares)
        for block, text in zip(self.decoder, self.encode(context), strict=True):
            x = block.decode(x, text)
        return self.head(self.decoder_norm(x), self.earlier_in_square(squares))

    def inputs(self, squares: Int[Tensor, "batch n k"], at: int | None = None) -> Float[Tensor, "batch m width"]:
        """Returns the decoder's input of every position, or of position `at`, from the squares before it."""
        outside = squares.new_full((len(squares), 1, squares.shape[2]), self.config.codes)
        chosen = slice(None) if at is None else slice(at, at + 1)
        near = torch.cat([squares, outside], dim=1)[:, self.before[chosen]]
        return self.code_input(self.code(near).flatten(2)) + self.position[chosen]

    def earlier_in_square(self, squares: Int[Tensor, "batch n k"]) -> Float[Tensor, "batch n k earlier"]:
        """Returns the vectors of the codes before each code in its square, those not drawn yet left out."""
        count = squares.shape[2]
        drawn = torch.ones(count, count - 1, dtype=torch.bool, device=squares.device).tril(-1)
        return self.code(torch.where(drawn, squares[:, :, None, :-1], self.config.codes)).flatten(3)

    @torch.no_grad()
    def sample(
        self,
        context: Float[Tensor, "batch m text"],
        empty: Float[Tensor, "1 m text"],
        seeds: Sequence[int],
        how: "CodeSampling | None" = None,
        after_row: Callable[[int, Int[Tensor, "batch rows columns"]], None] | None = None,
    ) -> Int[Tensor, "batch h w"]:
        """Samples the codes of one image a text; an image depends on its own seed, independent of the batch.

        Args:
            context: the texts' vectors, from `text_encoder`.
            empty: those of the empty text.
            seeds: one a text.
            how: options.
            after_row: called after each row of squares, with the number of finished rows of codes and those rows,
                [batch, rows, w].
        """
        how, config, batch = how or CodeSampling(), self.config, len(context)
        step = _SquareStep(self, context, empty, how)
        noise = _gumbel_noise((config.side**2, config.square**2, config.codes), seeds).to(context.device)
        squares = torch.full((batch, config.side**2, config.square**2), config.codes, device=context.device)
        for position in range(config.side**2):
            step(squares, position, noise[:, position])
            rows, column = divmod(position + 1, config.side)
            if after_row is not None and column == 0:
                after_row(rows * config.square, to_grid(squares[:, : position + 1], config.square, config.side))
        return to_grid(squares, config.square, config.side)


def to_squares(codes: Int[Tensor, "batch h w"], square: int) -> Int[Tensor, "batch n k"]:
    """Returns the codes of each square of `square` x `square` codes; squares and their codes row by row."""
    return F.pixel_unshuffle(codes[:, None].double(), square).long().flatten(2).transpose(1, 2)


def to_grid(squares: Int[Tensor, "batch n k"], square: int, side: int) -> Int[Tensor, "batch h w"]:
    """Returns the grid of codes of squares, `side` squares a row; the inverse of `to_squares`."""
    parts = squares.transpose(1, 2).unflatten(2, (-1, side))
    return F.pixel_shuffle(parts.double(), square)[:, 0].long()


def preceding(side: int, neighbours: int) -> Int[Tensor, "positions inputs"]:
    """Returns the positions that the input of each position holds; side^2 stands for outside of the image.

    These are the last position or, with `neighbours` k, k to the left and 2k + 1 of each of the k rows above.
    """
    outside = side * side
    if neighbours == 0:
        return torch.tensor([outside, *range(outside - 1)])[:, None]
    left = [(0, -column) for column in range(1, neighbours + 1)]
    near = left + [(-row, c) for row in range(1, neighbours + 1) for c in range(-neighbours, neighbours + 1)]
    found = torch.full((outside, len(near)), outside)
    for position in range(outside):
        y, x = divmod(position, side)
        for index, (down, right) in enumerate(near):
            if y + down >= 0 and 0 <= x + right < side:
                found[position, index] = (y + down) * side + x + right
    return found


class _SquareStep:
    """One decoding step, with cached keys and values of the texts and of earlier squares."""

    def __init__(self, net: DalleMini, context: Tensor, empty: Tensor, how: "CodeSampling") -> None:
        """Computes keys and values of the texts; the empty text comes first if it has an influence."""
        self.net, self.how = net, how
        self.twice = how.super_conditioning != 1.0
        self.texts = net.encode(torch.cat([empty.expand(len(context), -1, -1), context]) if self.twice else context)
        self.pasts = [KeyValueCache() for _ in net.decoder]

    def __call__(self, squares: Int[Tensor, "batch n k"], position: int, noise: Float[Tensor, "batch k codes"]) -> None:
        """Draws the codes of the square at a position, in place."""
        net = self.net
        x = self._both(net.inputs(squares, position))
        for block, text, past in zip(net.decoder, self.texts, self.pasts, strict=True):
            x = block.decode(x, text, past)
        x, here = net.decoder_norm(x), slice(position, position + 1)
        for index in range(squares.shape[2]):
            near = net.earlier_in_square(squares[:, here])[:, :, index : index + 1]
            logits = net.head(x, self._both(near), index)[:, 0, 0]
            if self.twice:
                empty, text = logits.chunk(2)
                logits = super_conditioned(empty, text, self.how.super_conditioning)
            squares[:, position, index] = pick(logits, noise[:, index], self.how)

    def _both(self, x: Tensor) -> Tensor:
        return torch.cat([x, x]) if self.twice else x


# --- sampling -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CodeSampling:
    """Options of sampling."""

    super_conditioning: float = 3.0
    """s of the logits (1 - s) empty + s text; 1 is the text alone, and takes half the time."""
    temperature: float = 1.0
    """Divides the logits; 0 takes the most likely code."""
    top_k: int = 0
    """Only the k most likely codes are drawn; 0 allows all."""


def super_conditioned(
    empty: Float[Tensor, "*batch codes"], text: Float[Tensor, "*batch codes"], scale: float
) -> Float[Tensor, "*batch codes"]:
    """Returns the logits (1 - s) empty + s text."""
    return (1 - scale) * empty + scale * text


def pick(
    logits: Float[Tensor, "batch codes"], noise: Float[Tensor, "batch codes"], how: CodeSampling
) -> Int[Tensor, " batch"]:
    """Draws one code a row with Gumbel noise, which is the same as drawing from the softmax (Gumbel 1954)."""
    if how.temperature <= 0:
        return logits.argmax(-1)
    if 0 < how.top_k < logits.shape[-1]:
        least = logits.topk(how.top_k, dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < least, float("-inf"))
    return (logits / how.temperature + noise).argmax(-1)


def _gumbel_noise(shape: tuple[int, ...], seeds: Sequence[int]) -> Float[Tensor, "batch ..."]:
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    uniform = torch.stack([torch.rand(shape, generator=generator) for generator in generators])
    return -(-uniform.clamp(1e-7, 1 - 1e-7).log()).log()


@torch.no_grad()
def draw(
    net: DalleMini,
    vqgan: Vqgan,
    tokens: Int[Tensor, "batch n"],
    empty: Int[Tensor, "1 m"],
    seeds: Sequence[int],
    how: CodeSampling | None = None,
    after_row: Callable[[int, Float[Tensor, "batch 3 H W"]], None] | None = None,
) -> Float[Tensor, "batch 3 H W"]:
    """Draws one image for each text; the same seed gives the same image in any batch of one size.

    Args:
        net: samples the codes.
        vqgan: decodes them.
        tokens: of the texts.
        empty: tokens of the empty text.
        seeds: one a text.
        how: options of sampling.
        after_row: called after each row of squares, with the number of finished rows of codes and the images
            [batch, 3, H, W] so far, whose lower part is mid-grey.
    """

    def preview(rows: int, codes: Tensor) -> None:
        assert after_row is not None
        after_row(rows, _padded(vqgan.decode_codes(codes), net.config.size * 4))

    texts, nothing = net.text_encoder(tokens), net.text_encoder(empty)
    codes = net.sample(texts, nothing, seeds, how, None if after_row is None else preview)
    return vqgan.decode_codes(codes).clamp(-1, 1)


def _padded(x: Float[Tensor, "batch 3 h W"], height: int) -> Float[Tensor, "batch 3 H W"]:
    """Returns images of the given height, mid-grey below the known part."""
    return F.pad(x.clamp(-1, 1), (0, 0, 0, height - x.shape[2]))

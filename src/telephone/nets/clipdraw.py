"""CLIPDraw (Frans et al. 2021, arXiv 2106.14843): Bezier curves optimised by CLIP, with a rasteriser in pure torch.

The paper draws with diffvg, a library of compiled code. Here each curve is a polygon of many short sides, the coverage
of a pixel is a smooth step of its signed distance from the outline, and shapes are painted one over the other. The
distance is computed again for the nearest side alone, so that the gradient costs little.

A drawing is filled closed shapes (the default) or open strokes of some width. Points are in units of the image's side,
x to the right and y down; colours, opacities and coverages are in [0, 1]; CLIP's images are in [-1, 1].
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from telephone.nets.clip import Clip
from telephone.nets.cutouts import Cutouts, spherical_distance

PAPER = (254 / 255, 253 / 255, 248 / 255)
"""The first colour of the background: a blank sheet of the pocket world."""
_STEEP = 4.0
"""Slope of the logistic function whose steepest part rises by 1 within one pixel."""


@dataclass
class Drawing:
    """A vector image: curves painted in order on a background of one colour; tensors of one batch of drawings."""

    points: Float[Tensor, "batch shapes points 2"]
    """Control points of cubic Bezier curves: 3 a segment if closed, else 3 a segment and the last end."""
    colours: Float[Tensor, "batch shapes 3"]
    opacities: Float[Tensor, "batch shapes"]
    background: Float[Tensor, "batch 3"]
    widths: Float[Tensor, "batch shapes"] | None = None
    """Of open strokes, in units of the side; None for filled closed shapes."""

    def parts(self) -> list[Float[Tensor, "batch *rest"]]:
        """Returns the tensors: points, colours, opacities, background and, of strokes, widths."""
        return [
            each
            for each in (self.points, self.colours, self.opacities, self.background, self.widths)
            if each is not None
        ]

    def detach(self) -> "Drawing":
        """Returns a copy without gradients."""
        return Drawing(*(part.detach().clone() for part in self.parts()))

    def one(self, index: int) -> "Drawing":
        """Returns the drawing of this index as a batch of one."""
        return Drawing(*(part[index : index + 1] for part in self.parts()))

    @property
    def segments(self) -> int:
        """Curves of each shape."""
        return self.points.shape[2] // 3


def flatten_curves(
    points: Float[Tensor, "batch shapes points 2"], closed: bool, samples: int = 8
) -> Float[Tensor, "batch shapes corners 2"]:
    """Returns points along cubic Bezier curves, `samples` a segment; of open ones also the last end.

    Args:
        points: control points, 3 a segment; without `closed` one more.
        closed: whether the last segment ends at the first point.
        samples: sides by which a segment is replaced.
    """
    segments = points.shape[2] // 3
    ends = torch.cat([points, points[:, :, :1]], dim=2) if closed else points
    control = torch.stack([ends[:, :, index : index + 3 * segments : 3] for index in range(3)], dim=3)
    last = ends[:, :, 3::3][:, :, :segments, None]
    t = torch.arange(samples, dtype=points.dtype, device=points.device) / samples
    weights = torch.stack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], dim=1)
    curves = torch.einsum("tk,bsgkc->bsgtc", weights, torch.cat([control, last], dim=3))
    corners = curves.flatten(2, 3)
    return corners if closed else torch.cat([corners, points[:, :, -1:]], dim=2)


def pixel_centres(side: int, like: Float[Tensor, "..."]) -> Float[Tensor, "pixels 2"]:
    """Returns x and y of the centres of all pixels, row by row, in units of the side."""
    line = (torch.arange(side, dtype=like.dtype, device=like.device) + 0.5) / side
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], dim=-1).flatten(0, 1)


def outline_distance(
    corners: Float[Tensor, "batch shapes corners 2"], closed: bool, pixels: Float[Tensor, "pixels 2"]
) -> Float[Tensor, "batch shapes pixels"]:
    """Returns the distance of each pixel from the nearest side of each polygon, with gradients to its two ends."""
    start = corners if closed else corners[:, :, :-1]
    end = corners.roll(-1, dims=2) if closed else corners[:, :, 1:]
    with torch.no_grad():
        nearest = _squared_distance(start[:, :, :, None], end[:, :, :, None], pixels).argmin(dim=2)
    rows = nearest[..., None].expand(*nearest.shape, 2)
    squared = _squared_distance(start.gather(2, rows), end.gather(2, rows), pixels)
    return squared.clamp(min=1e-12).sqrt()


def _squared_distance(start: Tensor, end: Tensor, pixels: Tensor) -> Tensor:
    """Returns the squared distance of pixels from sides; x and y apart, which is faster than a last axis of two."""
    x, y = pixels[:, 0] - start[..., 0], pixels[:, 1] - start[..., 1]
    along_x, along_y = (end - start).unbind(-1)
    length = (along_x.square() + along_y.square()).clamp(min=1e-12)
    share = (x * (along_x / length) + y * (along_y / length)).clamp(0, 1)
    return (x - share * along_x).square() + (y - share * along_y).square()


@torch.no_grad()
def inside(
    corners: Float[Tensor, "batch shapes corners 2"], pixels: Float[Tensor, "pixels 2"]
) -> Float[Tensor, "batch shapes pixels"]:
    """Returns 1 inside of closed polygons and 0 outside, by the nonzero rule, as SVG fills by default."""
    x0, y0 = corners[..., None, 0], corners[..., None, 1]
    x1, y1 = x0.roll(-1, dims=2), y0.roll(-1, dims=2)
    x, y = pixels[:, 0], pixels[:, 1]
    above, above_end = y0 > y, y1 > y
    # The side crosses the pixel's row to the right of the pixel; a horizontal side crosses nothing.
    slope = (x1 - x0) / torch.where(y1 == y0, torch.ones_like(y0), y1 - y0)
    right = x < x0 + (y - y0) * slope
    crossings = (above.to(torch.int8) - above_end.to(torch.int8)) * right
    return (crossings.sum(dim=2) != 0).to(corners.dtype)


def coverage(drawing: Drawing, side: int, edge: float = 0.0, samples: int = 8) -> Float[Tensor, "batch shapes pixels"]:
    """Returns how much of each pixel each shape covers, from 0 to 1.

    Args:
        drawing: the shapes.
        side: of the image, in pixels.
        edge: width of a smooth edge, in pixels, which gives gradients to pixels far from the outline; 0 is an edge that
            rises evenly over one pixel, as that of an anti-aliased fill.
        samples: sides by which a segment is replaced.
    """
    pixels = pixel_centres(side, drawing.points)
    closed = drawing.widths is None
    corners = flatten_curves(drawing.points, closed, samples)
    distance = outline_distance(corners, closed, pixels)
    if drawing.widths is None:
        depth = distance * (2 * inside(corners, pixels) - 1)
    else:
        depth = drawing.widths[..., None] / 2 - distance
    return torch.sigmoid(depth * side * _STEEP / edge) if edge else (depth * side + 0.5).clamp(0, 1)


def rasterise(drawing: Drawing, side: int, edge: float = 0.0, samples: int = 8) -> Float[Tensor, "batch 3 side side"]:
    """Returns images in [-1, 1]: the shapes painted in order, each over those before; arguments as of `coverage`."""
    alpha = coverage(drawing, side, edge, samples) * drawing.opacities[..., None]
    image = drawing.background[:, :, None].expand(-1, -1, side * side)
    for index in range(alpha.shape[1]):
        over = alpha[:, index, None]
        image = image + over * (drawing.colours[:, index, :, None] - image)
    return (2 * image - 1).unflatten(2, (side, side))


# --- the optimisation -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DrawOptions:
    """Options of `optimise_drawing`."""

    steps: int = 100
    shapes: int = 8
    segments: int = 4
    """Cubic curves of each shape or stroke."""
    strokes: bool = False
    """Open strokes, as in the paper, instead of filled closed shapes."""
    side: int = 64
    """Of the images that CLIP sees, in pixels."""
    point_rate: float = 0.012
    """Learning rate of Adam for points, in units of the side."""
    colour_rate: float = 0.04
    width_rate: float = 0.003
    edge: float = 2.0
    """Width of the smooth edge in the first step, in pixels; it falls to 1 at half of the steps."""
    cutouts: Cutouts = field(default_factory=lambda: Cutouts(views=8, side=0.5, turn=8.0, light=0.2, noise=0.25))
    """Strong views: with weak ones CLIP's score rises and nothing is to be seen."""


def first_drawing(seeds: Sequence[int], options: DrawOptions) -> Drawing:
    """Returns one random drawing a seed: closed shapes are rough discs, strokes short random walks (radius 0.1)."""
    made = [_random_drawing(torch.Generator().manual_seed(seed), options) for seed in seeds]
    parts = zip(*(each.parts() for each in made), strict=True)
    return Drawing(*(torch.cat(part) for part in parts))


def _random_drawing(generator: torch.Generator, options: DrawOptions) -> Drawing:
    n, k = options.shapes, options.segments

    def draw(*shape: int) -> Tensor:
        return torch.rand(1, *shape, generator=generator)

    colours, opacities = draw(n, 3), 0.7 + 0.3 * draw(n)
    background = torch.tensor([PAPER])
    if options.strokes:
        steps = 0.1 * (draw(n, 3 * k, 2) - 0.5)
        points = torch.cat([draw(n, 1, 2), steps], dim=2).cumsum(dim=2)
        return Drawing(points, colours, opacities, background, 0.01 + 0.03 * draw(n))
    # Later shapes are smaller, so that they lie on the earlier ones instead of hiding them.
    radius = torch.linspace(0.22, 0.08, n)[None, :, None, None] if n > 1 else torch.tensor(0.22)
    angle = torch.arange(3 * k) * (2 * math.pi / (3 * k))
    # Control points of a cubic that follows a circle lie outside of it.
    bulge = torch.where(torch.arange(3 * k) % 3 == 0, 1.0, 1.0 / math.cos(math.pi / (3 * k)) ** 1.5)
    circle = torch.stack([angle.cos() * bulge, angle.sin() * bulge], dim=1)
    points = 0.3 + 0.4 * draw(n, 1, 2) + radius * circle * (0.85 + 0.3 * draw(n, 3 * k, 1))
    return Drawing(points, colours, opacities, background)


AfterStep = Callable[[int, Drawing], None]
"""Called before the first step with 0 and after each with its number, with the drawing at that time."""


@dataclass(frozen=True)
class Goals:
    """What CLIP's embeddings of the views are moved towards, for each drawing of a batch."""

    embeddings: Float[Tensor, "batch goals embedding"]
    weights: Float[Tensor, "batch goals"]
    """A negative weight moves the drawing away from its goal (the paper's negative prompts)."""


def optimise_drawing(
    clip: Clip, goals: Goals, seeds: Sequence[int], options: DrawOptions, after_step: AfterStep | None = None
) -> Drawing:
    """Returns one drawing a seed, moved towards its goals by CLIP's gradient (section 2, algorithm 1).

    Args:
        clip: embeds the views.
        goals: one row a seed.
        seeds: of the first shapes and of the views.
        options: steps, shapes, rates and views.
        after_step: receives the drawing before the first step and after each.
    """
    drawing = first_drawing(seeds, options)
    generator = torch.Generator().manual_seed(seeds[0])
    rates = [(drawing.points, options.point_rate), (drawing.colours, options.colour_rate)]
    rates += [(drawing.opacities, options.colour_rate)]
    rates += [] if drawing.widths is None else [(drawing.widths, options.width_rate)]
    parts = [part.requires_grad_() for part, _ in rates]
    optimizer = torch.optim.Adam([{"params": [part], "lr": rate} for part, rate in rates])
    bases = [group["lr"] for group in optimizer.param_groups]
    for step in range(options.steps):
        if after_step is not None:
            after_step(step, drawing.detach())
        done = step / options.steps
        for group, base in zip(optimizer.param_groups, bases, strict=True):
            group["lr"] = base * _rate(done)
        loss = _loss(clip, goals, drawing, 1 + (options.edge - 1) * max(0.0, 1 - 2 * done), generator, options)
        for part, slope in zip(parts, torch.autograd.grad(loss, parts), strict=True):
            part.grad = slope
        optimizer.step()
        _keep_valid(drawing)
    if after_step is not None:
        after_step(options.steps, drawing.detach())
    return drawing.detach()


def _rate(done: float) -> float:
    """Returns the factor of the learning rates: x 0.4 at half of the steps and x 0.1 at three quarters."""
    return 1.0 if done < 0.5 else 0.4 if done < 0.75 else 0.1


def _loss(
    clip: Clip, goals: Goals, drawing: Drawing, edge: float, generator: torch.Generator, options: DrawOptions
) -> Tensor:
    views = options.cutouts(rasterise(drawing, options.side, edge), generator)
    embedded = clip.encode_image(views).unflatten(0, (options.cutouts.views, -1))
    apart = spherical_distance(embedded[:, :, None], goals.embeddings).mean(dim=0)
    return (goals.weights * apart).sum()


@torch.no_grad()
def _keep_valid(drawing: Drawing) -> None:
    """Clamps colours and opacities to [0, 1], points to the image and its surroundings, widths to a pixel or more."""
    drawing.points.clamp_(-0.2, 1.2)
    drawing.colours.clamp_(0, 1)
    drawing.opacities.clamp_(0.3, 1)
    if drawing.widths is not None:
        drawing.widths.clamp_(1 / 64, 0.2)


# --- SVG ------------------------------------------------------------------------------------------------------------


def to_svg(drawing: Drawing, side: int = 64, shown: int = 512) -> str:
    """Returns a batch of one drawing as an SVG file; it shows what `rasterise` draws.

    Args:
        drawing: one drawing.
        side: width and height of the view box, the unit of the numbers in the file.
        shown: width and height in pixels at which viewers show the file first.
    """
    points = (drawing.points[0].detach() * side).tolist()
    paths = []
    for index, path in enumerate(points):
        paint, opacity = _hex(drawing.colours[0, index]), f"{float(drawing.opacities[0, index]):.3f}"
        if drawing.widths is None:
            style = f'fill="{paint}" fill-opacity="{opacity}"'
        else:
            width = float(drawing.widths[0, index]) * side
            style = f'fill="none" stroke="{paint}" stroke-opacity="{opacity}" stroke-width="{width:.3f}"'
            style += ' stroke-linecap="round" stroke-linejoin="round"'
        paths.append(f'<path d="{_path(path, drawing.widths is None)}" {style}/>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{shown}" height="{shown}" viewBox="0 0 {side} {side}">'
    ground = f'<rect width="{side}" height="{side}" fill="{_hex(drawing.background[0])}"/>'
    return "\n".join([head, ground, *paths, "</svg>", ""])


def _path(points: list[list[float]], closed: bool) -> str:
    said = [f"{x:.3f} {y:.3f}" for x, y in points]
    rest = [*said[1:], said[0]] if closed else said[1:]
    curves = [f"C {', '.join(rest[start : start + 3])}" for start in range(0, len(rest), 3)]
    return " ".join([f"M {said[0]}", *curves, *(["Z"] if closed else [])])


def _hex(colour: Float[Tensor, "3"]) -> str:
    return "#" + "".join(f"{round(255 * value):02x}" for value in colour.tolist())

"""CLIPDraw: the rasteriser against polygons filled with many samples a pixel, gradients, SVG, and the optimisation."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig
from telephone.nets.clipdraw import (
    Drawing,
    DrawOptions,
    Goals,
    coverage,
    first_drawing,
    flatten_curves,
    inside,
    optimise_drawing,
    pixel_centres,
    rasterise,
    to_svg,
)
from telephone.nets.cutouts import Cutouts

SIDE, FINE = 32, 16
QUICK = DrawOptions(steps=3, shapes=3, cutouts=Cutouts(views=2))


def one_shape(corners):
    """A closed shape of straight sides, as cubic curves whose control points lie on the sides."""
    ends = torch.tensor(corners, dtype=torch.float64)
    thirds = torch.arange(3, dtype=torch.float64)[None, :, None] / 3
    points = (ends[:, None] * (1 - thirds) + ends.roll(-1, 0)[:, None] * thirds).flatten(0, 1)
    ones = torch.ones(1, 1, dtype=torch.float64)
    return Drawing(points[None, None], torch.zeros(1, 1, 3, dtype=torch.float64), ones, torch.ones(1, 3).double())


def filled_by_samples(corners):
    """The share of FINE x FINE samples of each pixel that the polygon covers."""
    canvas = Image.new("L", (SIDE * FINE, SIDE * FINE))
    # Pillow's integer coordinates are the centres of pixels.
    ImageDraw.Draw(canvas).polygon([(x * SIDE * FINE - 0.5, y * SIDE * FINE - 0.5) for x, y in corners], fill=1)
    return np.asarray(canvas, float).reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3))


@pytest.mark.parametrize(
    "corners",
    [
        [(0.2, 0.2), (0.8, 0.25), (0.7, 0.9)],
        [(0.1, 0.1), (0.9, 0.2), (0.5, 0.4), (0.8, 0.9), (0.3, 0.6)],
        [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)],
        [(-0.2, 0.4), (1.2, 0.5), (0.5, 1.3)],
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_coverage_is_that_of_a_finely_sampled_polygon(corners, turned):
    order = corners[::-1] if turned else corners
    ours = coverage(one_shape(order), SIDE)[0, 0].reshape(SIDE, SIDE).numpy()
    theirs = filled_by_samples(order)
    apart = np.abs(ours - theirs)
    assert apart.mean() < 0.004
    assert np.quantile(apart, 0.98) < 0.1
    assert apart.max() < 0.5  # at acute corners, where the nearest side is not all of the outline


def test_a_shape_that_crosses_itself_is_filled_by_the_nonzero_rule():
    angles = np.pi * (-0.5 + 0.8 * np.arange(5))
    star = [(0.5 + 0.4 * np.cos(angle), 0.5 + 0.4 * np.sin(angle)) for angle in angles]
    corners = torch.tensor(star)[None, None]
    centre, outside = torch.tensor([[0.5, 0.5]]).double(), torch.tensor([[0.02, 0.02]]).double()
    assert inside(corners, centre).item() == 1
    assert inside(corners, outside).item() == 0


def test_curves_follow_the_formula_and_meet():
    drawing = first_drawing([0], QUICK)
    corners = flatten_curves(drawing.points, closed=True, samples=4)
    a, b, c, d = drawing.points[0, 1, 3:7]
    half = (a + 3 * b + 3 * c + d) / 8
    assert torch.allclose(corners[0, 1, 6], half, atol=1e-6)
    assert corners.shape == (1, 3, 4 * QUICK.segments, 2)
    strokes = first_drawing([0], replace(QUICK, strokes=True))
    line = flatten_curves(strokes.points, closed=False, samples=4)
    assert torch.equal(line[:, :, -1], strokes.points[:, :, -1])
    assert line.shape == (1, 3, 4 * QUICK.segments + 1, 2)


def test_a_straight_stroke_is_a_line_with_round_ends():
    x = torch.linspace(0.25, 0.75, 4).double()
    points = torch.stack([x, torch.full_like(x, 0.5)], dim=1)[None, None]
    ones = torch.ones(1, 1).double()
    stroke = Drawing(points, torch.zeros(1, 1, 3).double(), ones, torch.ones(1, 3).double(), 0.2 * ones)
    found = coverage(stroke, SIDE)[0, 0].reshape(SIDE, SIDE)
    apart = pixel_centres(SIDE, points) - torch.tensor([0.5, 0.5]).double()
    away = torch.stack([(apart[:, 0].abs() - 0.25).clamp(min=0), apart[:, 1]], dim=1).norm(dim=1).reshape(SIDE, SIDE)
    assert found[away < 0.1 - 1 / SIDE].min() > 0.95
    assert found[away > 0.1 + 1 / SIDE].max() < 0.05


@pytest.mark.parametrize("strokes", [False, True])
def test_gradients_are_those_of_finite_differences(strokes):
    drawing = first_drawing([3], DrawOptions(shapes=2, segments=2, strokes=strokes))
    parts = [part.double().requires_grad_() for part in drawing.parts()]
    weights = torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(0)).double()

    def total(*values):
        return (rasterise(Drawing(*values), 12, edge=3.0, samples=5) * weights).sum()

    assert torch.autograd.gradcheck(total, parts, eps=1e-7, atol=1e-3, rtol=1e-3)


def test_later_shapes_cover_earlier_ones():
    square = one_shape([(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)])
    two = Drawing(
        square.points.repeat(1, 2, 1, 1),
        torch.tensor([[[1.0, 0, 0], [0, 0, 1.0]]]).double(),
        torch.tensor([[1.0, 0.5]]).double(),
        square.background,
    )
    middle = rasterise(two, SIDE)[0, :, SIDE // 2, SIDE // 2]
    assert torch.allclose(middle, torch.tensor([0.0, -1.0, 0.0]).double(), atol=1e-4)


def read_svg(text):
    """The drawing that an SVG file of ours holds."""
    root = ElementTree.fromstring(text)
    name = "{http://www.w3.org/2000/svg}"
    side = float(root.get("viewBox").split()[2])
    paths = root.findall(f"{name}path")
    points = [[float(number) for number in re.findall(r"-?\d+\.\d+", path.get("d"))] for path in paths]
    closed = all(path.get("d").endswith("Z") for path in paths)
    kind = "fill" if closed else "stroke"

    def colour(text):
        return [int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)]

    found = torch.tensor(points).reshape(1, len(paths), -1, 2) / side
    return Drawing(
        found[:, :, :-1] if closed else found,
        torch.tensor([[colour(path.get(kind)) for path in paths]]),
        torch.tensor([[float(path.get(f"{kind}-opacity")) for path in paths]]),
        torch.tensor([colour(root.find(f"{name}rect").get("fill"))]),
        None if closed else torch.tensor([[float(path.get("stroke-width")) / side for path in paths]]),
    )


@pytest.mark.parametrize("strokes", [False, True])
def test_the_svg_file_shows_what_is_rasterised(strokes):
    drawing = first_drawing([5], replace(QUICK, strokes=strokes))
    back = read_svg(to_svg(drawing))
    assert torch.allclose(drawing.points, back.points, atol=1e-4)
    assert (rasterise(drawing, 64) - rasterise(back, 64)).abs().max() < 2.5 / 127.5


@pytest.fixture(scope="module")
def clip():
    torch.manual_seed(0)
    vision = VisionConfig(stem=(8, 16, 16), width=32, layers=1, heads=2, queries=2)
    return (
        Clip(ClipConfig(vision, ClipTextConfig(words=("a",), width=32, layers=1, heads=2), embedding=16))
        .eval()
        .requires_grad_(False)
    )


def goals(count):
    return Goals(torch.ones(count, 1, 16), torch.ones(count, 1))


@pytest.mark.parametrize("strokes", [False, True])
def test_optimisation_lowers_the_distance_and_keeps_values_valid(clip, strokes):
    options = replace(QUICK, strokes=strokes, steps=12)
    steps = []
    last = optimise_drawing(clip, goals(1), [1], options, lambda step, drawing: steps.append((step, drawing)))
    assert [step for step, _ in steps] == list(range(13))
    with torch.no_grad():
        views = [clip.encode_image(rasterise(drawing, 64)) for drawing in (steps[0][1], last)]
    before, after = (torch.cosine_similarity(view, goals(1).embeddings[:, 0]).item() for view in views)
    assert after > before
    assert 0 <= last.colours.min() <= last.colours.max() <= 1
    assert torch.equal(rasterise(steps[-1][1], 64), rasterise(last, 64))
    assert torch.equal(last.background, steps[0][1].background)


def test_a_seed_gives_the_same_drawing_again_and_another_one_another(clip):
    first, again, other = (optimise_drawing(clip, goals(1), [seed], QUICK) for seed in (4, 4, 5))
    assert torch.equal(first.points, again.points)
    assert not torch.equal(first.points, other.points)
    assert torch.equal(first_drawing([4, 5], QUICK).one(1).points, first_drawing([5], QUICK).points)

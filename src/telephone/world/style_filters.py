"""Filters that turn a painted backdrop into a drawing style: pencil, chalk or neon tubes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from telephone.world.canvas import Canvas
from telephone.world.palette import PAPER
from telephone.world.shapes import OVER

Pixels = NDArray[np.float32]


def wash(canvas: Canvas, style: str) -> None:
    """Applies the filter of a style, in place."""
    if style != "flat":
        {"sketch": _sketch, "pastel": _pastel, "neon": _neon}[style](canvas)


def _contours(pixels: Pixels, reach: int) -> Pixels:
    """Returns [side, side, 1] in [0, 1]: 1 where two colours meet, 0 inside a colour or a soft gradient."""
    across = np.abs(pixels - np.roll(pixels, reach, 1)).max(2)
    down = np.abs(pixels - np.roll(pixels, reach, 0)).max(2)
    across[:, :reach] = 0
    down[:reach] = 0
    found: Pixels = ((np.maximum(across, down) - 7) / 22).clip(0, 1)[:, :, None].astype(np.float32)
    return found


def _noise(canvas: Canvas, amount: int) -> Pixels:
    """Returns the grain of the paper, the same for every image of this size."""
    draws = np.random.Generator(np.random.PCG64(64)).integers(-amount, amount + 1, (canvas.size, canvas.size))
    return draws.repeat(OVER, 0).repeat(OVER, 1)[:, :, None].astype(np.float32)


def _sketch(canvas: Canvas) -> None:
    """Pale crayon on rough paper, hatched where it is dark, with pencil contours and a drawn frame."""
    pixels = canvas.pixels()
    paper = np.array(PAPER, dtype=np.float32)
    contours = _contours(pixels, max(1, round(canvas.scale * 0.5)))
    dark = (1 - pixels.mean(2, keepdims=True) / 255).clip(0, 1)
    rows, columns = np.arange(canvas.side)[:, None], np.arange(canvas.side)
    period = max(4, round(3.0 * canvas.scale))
    strokes = ((columns + rows) % period < period * 0.42)[:, :, None]
    tinted = paper + (pixels - paper) * np.where(strokes, 0.62, 0.54).astype(np.float32)
    tinted -= strokes * (9 + dark * 12)
    tinted += (np.array((96, 92, 100), dtype=np.float32) - tinted) * contours * 0.62
    canvas.put(tinted + _noise(canvas, 4))
    _frame(canvas)


def _frame(canvas: Canvas) -> None:
    """Leaves the border of the sheet blank, with pencil lines that cross at the corners."""
    for bar in ((0, 0, 64, 2), (0, 62, 64, 64), (0, 0, 2, 64), (62, 0, 64, 64)):
        canvas.box(PAPER, *bar)
    lines = ((0.8, 2.2, 63.4, 1.8), (62.2, 0.7, 61.8, 63.3), (63.3, 61.8, 0.6, 62.3), (2.2, 63.4, 1.8, 0.6))
    for ends in lines:
        canvas.line((120, 116, 122), 0.6, *ends, alpha=200)


def _pastel(canvas: Canvas) -> None:
    """Soft and pale like chalk, fading to white at the borders."""
    side, scale = canvas.side, canvas.scale
    soft = Canvas.pixels(canvas)
    blurred = Image.fromarray(soft.astype(np.uint8)).filter(ImageFilter.GaussianBlur(scale * 0.5))
    pixels = np.asarray(blurred, dtype=np.float32)
    grey = pixels.mean(2, keepdims=True)
    pixels = grey + (pixels - grey) * 0.86
    pixels = pixels + (np.array((252, 246, 255), dtype=np.float32) - pixels) * 0.36
    near = np.minimum(np.arange(side), np.arange(side)[::-1]).astype(np.float32) / scale
    fade = (1 - np.minimum(near[:, None], near) / 4.0).clip(0, 1)[:, :, None]
    pixels += (np.float32(255) - pixels) * fade * 0.85
    canvas.put(pixels + _noise(canvas, 4))


def _neon(canvas: Canvas) -> None:
    """Nearly dark, with glowing contours in each place's own colours."""
    pixels = canvas.pixels()
    contours = _contours(pixels, max(1, round(canvas.scale * 0.6)))
    top = pixels.max(2, keepdims=True)
    low = pixels.min(2, keepdims=True)
    vivid = ((pixels - low * 0.75) / (top - low * 0.75 + 1)).clip(0, 1) * 225
    tubes = np.rint(vivid * contours).clip(0, 255).astype(np.uint8)
    glow = np.asarray(Image.fromarray(tubes).filter(ImageFilter.GaussianBlur(canvas.scale * 1.1)), dtype=np.float32)
    grey = pixels.mean(2, keepdims=True)
    rich = (grey + (pixels - grey) * 1.35).clip(0, 255)
    night = rich * 0.28 * np.array((0.86, 0.76, 1.06), dtype=np.float32) + np.array((6, 2, 20), dtype=np.float32)
    canvas.put(night + glow * 0.5 + tubes * np.float32(0.42))

"""The family tree of the drawers, from VQGAN and CLIP to unCLIP and Stable Diffusion, as SVG."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from PIL import Image

from telephone.core.images import encode_png

WIDTH, HEIGHT = 1120, 520
_BOX, _TALL, _LOW = 182, 98, 50
_COLUMNS = ((14, "the parts"), (312, "first half of 2021"), (620, "second half of 2021"), (924, "2022"))
"""Left edge and heading of each column; time runs to the right."""


@dataclass(frozen=True)
class Member:
    """A paper of the family, and where its box stands."""

    key: str
    name: str
    published: str
    """Month and year of its first publication."""
    paper: str
    at: tuple[int, int]
    """Column, and top of the box in user units."""
    ref: str = ""
    """Address of the pocket model; empty if it is no drawer."""


MEMBERS = (
    Member("vqgan", "VQGAN", "Dec 2020", "Esser et al., 2012.09841", (0, 110)),
    Member("clip", "CLIP", "Jan 2021", "Radford et al., 2103.00020", (0, 258)),
    Member("guided", "Guided diffusion", "May 2021", "Dhariwal and Nichol, 2105.05233", (0, 432)),
    Member("dalle-1", "DALL-E 1", "Jan 2021", "Ramesh et al., 2102.12092", (1, 36), "pocket/dalle-1"),
    Member("vqgan-clip", "VQGAN-CLIP", "Apr 2021", "Crowson et al., 2204.08583", (1, 170), "pocket/vqgan-clip"),
    Member("clipdraw", "CLIPDraw", "Jun 2021", "Frans et al., 2106.14843", (1, 304), "pocket/clipdraw"),
    Member("dalle-mini", "DALL-E mini", "Jul 2021", "Dayma et al.", (2, 48), "pocket/dalle-mini"),
    Member("glide", "GLIDE", "Dec 2021", "Nichol et al., 2112.10741", (2, 368), "pocket/glide"),
    Member("dalle-2", "DALL-E 2 (unCLIP)", "Apr 2022", "Ramesh et al., 2204.06125", (3, 186), "pocket/dalle-2"),
    Member(
        "stable-diffusion", "Stable Diffusion", "Aug 2022", "Rombach et al., 2112.10752", (3, 404),
        "pocket/stable-diffusion",
    ),
)  # fmt: skip
"""In the order in which they are measured."""

_ARROWS = (
    ("clip", "dalle-1", "reranking", "M196 268 C250 254 252 106 308 96", (268, 128)),
    ("vqgan", "vqgan-clip", "decoder", "M196 140 C256 146 256 208 308 210", (230, 178)),
    ("clip", "vqgan-clip", "loss", "M196 276 C250 274 256 236 308 230", (284, 252)),
    ("clip", "clipdraw", "loss", "M196 290 C250 294 256 346 308 348", (284, 322)),
    ("vqgan", "dalle-mini", "codes", "M196 128 C250 132 270 152 320 152 L470 152 C540 152 560 126 616 118", (548, 146)),
    ("dalle-1", "dalle-mini", "text to codes", "M494 84 C540 84 570 92 616 94", (555, 78)),
    ("clip", "dalle-2", "embedding", "M196 283 C240 283 270 286 320 286 L760 286 C830 286 850 246 920 240", (690, 280)),
    ("guided", "glide", "U-Net", "M196 446 C330 446 480 434 616 432", (402, 436)),
    ("clip", "glide", "guidance", "M196 300 C240 310 250 416 330 416 L480 416 C540 416 570 408 616 406", (545, 402)),
    ("glide", "dalle-2", "decoder, upsampler", "M802 406 C860 400 850 268 920 258", (852, 350)),
    (
        "vqgan", "stable-diffusion", "autoencoder",
        "M196 134 C250 138 270 158 320 158 L470 158 C720 158 790 430 920 440", (690, 250),
    ),
    ("guided", "stable-diffusion", "U-Net", "M196 470 C400 492 700 492 920 474", (560, 482)),
)  # fmt: skip
"""What was taken from what: two members, the part, the path in user units, and where its name stands."""


@dataclass(frozen=True)
class MemberState:
    """What the tree says of a drawer."""

    line: str
    """One short line, such as `93 % of facts, 0.06 s`."""
    picture: Image.Image | None = None
    """What it draws of the common prompt; None greys the box."""
    reason: str = ""
    """Why there is no picture."""


def family_tree(states: Mapping[str, MemberState], prompt: str) -> str:
    """Returns the tree as SVG with the colours of the page.

    Args:
        states: by key of the member; one that is missing is no drawer.
        prompt: what every picture in the tree shows.
    """
    arrows = [_arrow(words, path, at) for _, _, words, path, at in _ARROWS]
    drawn = [_box(member, states.get(member.key)) for member in MEMBERS]
    label = f"Family tree of text-to-image models; the drawers show: {prompt}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}"'
        ' font-family="system-ui, sans-serif" font-size="11.5">'
        '<defs><marker id="tree-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
        ' orient="auto"><path d="M0 0.6 L7.4 4 L0 7.4 z" fill="var(--muted)"/></marker></defs>'
        + _headings()
        + "".join(arrows)
        + "".join(drawn)
        + "</svg>"
    )


def _headings() -> str:
    return "".join(_text(left, 18, words, "var(--muted)", 12.5, "600") for left, words in _COLUMNS)


def _arrow(words: str, path: str, at: tuple[int, int]) -> str:
    return (
        f'<path d="{path}" fill="none" stroke="var(--muted)" stroke-width="1.3" opacity="0.8"'
        f' marker-end="url(#tree-head)"/>'
        f'<text x="{at[0]}" y="{at[1]}" text-anchor="middle" fill="var(--muted)" stroke="var(--card)"'
        f' stroke-width="5" paint-order="stroke" font-size="11">{escape(words)}</text>'
    )


def _box(member: Member, state: MemberState | None) -> str:
    left, top = _COLUMNS[member.at[0]][0], member.at[1]
    drawn = state is not None and state.picture is not None
    missing = state is not None and not drawn
    look = 'stroke="var(--accent)" stroke-width="1.6"' if drawn else 'stroke="var(--muted)" stroke-width="1.1"'
    look += ' stroke-dasharray="5 4"' if missing else ""
    reason = f"; {state.reason}" if state is not None and missing else ""
    height = _LOW if state is None else _TALL
    parts = [
        f'<g opacity="{0.62 if missing else 1}"><title>{escape(member.paper + reason)}</title>'
        f'<rect x="{left}" y="{top}" width="{_BOX}" height="{height}" rx="9" fill="var(--card)" {look}/>'
    ]
    inset = 10.0
    if state is not None and state.picture is not None:
        data = base64.b64encode(encode_png(state.picture)).decode()
        parts.append(
            f'<image x="{left + 10}" y="{top + 40}" width="50" height="50" href="data:image/png;base64,{data}"'
            ' style="image-rendering:pixelated"/>'
        )
        inset = 70.0
    parts.append(_text(left + 10, top + 18, member.name, "var(--text)", 13, "600"))
    paper = member.paper.split(",")[-1].strip()
    parts.append(_text(left + 10, top + 34, f"{member.published} · {paper}", "var(--muted)", 10.5))
    lines = [] if state is None else state.line.split("\n")
    for row, line in enumerate(lines):
        parts.append(_text(left + inset, top + 54 + 15 * row, line, "var(--muted)" if missing else "var(--text)", 11))
    return "".join(parts) + "</g>"


def _text(x: float, y: float, words: str, colour: str, size: float, weight: str = "400") -> str:
    look = f'fill="{colour}" font-size="{size}" font-weight="{weight}"'
    return f'<text x="{x:.0f}" y="{y:.0f}" {look}>{escape(words)}</text>'

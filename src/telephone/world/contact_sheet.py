"""Contact sheets: many images on one page, each with its caption."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from telephone.core.errors import UsageError

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_PAGE = (252, 251, 248)
_TEXT = (52, 50, 58)
_FAINT = (214, 210, 204)
_MARGIN = 28
_GUTTER = 22
_CJK_NAMES = (
    "NotoSansCJK",
    "NotoSansSC",
    "SourceHanSans",
    "wqy-",
    "PingFang",
    "STHeiti",
    "msyh",
    "simhei",
    "Droid Sans Fallback",
)
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", "C:/Windows/Fonts")


def contact_sheet(
    items: Sequence[tuple[Image.Image, str]], columns: int = 6, tile: int = 160, title: str = ""
) -> Image.Image:
    """Arranges images in rows, with a wrapped caption under each.

    Args:
        items: Images with their captions, in reading order.
        columns: Number of images in a row.
        tile: Side of each image on the sheet in pixels; small images are enlarged without smoothing.
        title: A heading above the sheet.

    Returns:
        RGB, as wide as `columns` tiles and as high as is needed.

    Raises:
        UsageError: there are no pictures, or fewer than one column.
    """
    if not items or columns < 1 or tile < 16:
        raise UsageError("A contact sheet needs at least one image, one column and tiles of 16 pixels.")
    columns = min(columns, len(items))
    size = max(11, round(tile * 0.078))
    captions = [_wrapped(caption, tile, size) for _, caption in items]
    leading = round(size * 1.36)
    starts = range(0, len(items), columns)
    heights = [tile + 8 + leading * max(map(len, captions[start : start + columns])) for start in starts]
    top = _MARGIN + (round(size * 3.2) if title else 0)
    width = 2 * _MARGIN + columns * tile + (columns - 1) * _GUTTER
    sheet = Image.new("RGB", (width, top + sum(heights) + _GUTTER * (len(heights) - 1) + _MARGIN), _PAGE)
    if title:
        _headline(sheet, title, round(size * 1.6))
    y = top
    for start, height in zip(starts, heights, strict=True):
        for number in range(start, min(start + columns, len(items))):
            x = _MARGIN + (number - start) * (tile + _GUTTER)
            _hang(sheet, _fitted(items[number][0], tile), (x, y), tile)
            _write(sheet, captions[number], (x, y + tile + 8), size, leading)
        y += height + _GUTTER
    return sheet


def _headline(sheet: Image.Image, title: str, size: int) -> None:
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN - size * 0.2), title, font=font_for(title, size), fill=_TEXT)
    below = _MARGIN + round(size * 1.35)
    draw.line((_MARGIN, below, sheet.width - _MARGIN, below), fill=_FAINT, width=1)


def _fitted(picture: Image.Image, tile: int) -> Image.Image:
    """Returns the image at the size of the tile; enlarging uses nearest-neighbour sampling."""
    picture = picture.convert("RGB")
    longest = max(picture.size)
    if longest < tile:
        factor = -(-tile // longest)
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
        longest *= factor
    size = (max(1, picture.width * tile // longest), max(1, picture.height * tile // longest))
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)


def _hang(sheet: Image.Image, picture: Image.Image, at: tuple[int, int], tile: int) -> None:
    x, y = at[0] + (tile - picture.width) // 2, at[1] + (tile - picture.height) // 2
    ImageDraw.Draw(sheet).rectangle((x - 1, y - 1, x + picture.width, y + picture.height), outline=_FAINT)
    sheet.paste(picture, (x, y))


def _write(sheet: Image.Image, lines: Sequence[str], at: tuple[int, int], size: int, leading: int) -> None:
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        draw.text((at[0], at[1] + number * leading), line, font=font_for(line, size), fill=_TEXT)


def _wrapped(caption: str, width: int, size: int) -> list[str]:
    """Breaks a caption into lines: between words, or between any two Chinese characters."""
    lines: list[str] = []
    font = font_for(caption, size)
    for paragraph in caption.splitlines():
        line = ""
        for piece in _pieces(paragraph):
            if line and font.getlength((line + piece).rstrip()) > width:
                lines.append(line.rstrip())
                line = ""
            line += piece if line else piece.lstrip()
        lines.append(line.rstrip())
    return lines


def _pieces(text: str) -> list[str]:
    """Returns the unbreakable parts: words with the space after them, and single Chinese characters."""
    found: list[str] = []
    for sign in text:
        fresh = not found or found[-1].endswith(" ") or (is_chinese(sign) or is_chinese(found[-1][-1]))
        if fresh and sign not in "，。、；：！？,.;:!? ":
            found.append(sign)
        elif found:
            found[-1] += sign
        else:
            found.append(sign)
    return found


def is_chinese(sign: str) -> bool:
    """Returns whether a character is Chinese, or full-width punctuation."""
    return "\u3000" <= sign <= "\u9fff" or "\uff00" <= sign <= "\uffef"


def font_for(text: str, size: int) -> Font:
    """Returns a font in which the text can be written, at a size in pixels."""
    return _font(any(map(is_chinese, text)), size)


@lru_cache(maxsize=64)
def _font(chinese: bool, size: int) -> Font:
    path = _chinese_path() if chinese else _latin_path()
    if path is None:
        return ImageFont.load_default(size=size)
    return ImageFont.truetype(path, size)


def _latin_path() -> str | None:
    """Returns the sans-serif font that comes with the plotting library, so that sheets are equal on every machine."""
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return str(path) if path.is_file() else None


@lru_cache(maxsize=1)
def _chinese_path() -> str | None:
    """Returns the first font of this machine that is known to hold Chinese characters, or None."""
    files = sorted(
        path
        for folder in _FONT_FOLDERS
        if Path(folder).is_dir()
        for path in Path(folder).rglob("*")
        if path.suffix.lower() in (".ttf", ".ttc", ".otf")
    )
    for name in _CJK_NAMES:
        regular = [path for path in files if path.name.startswith(name) and "Bold" not in path.name]
        if regular:
            return str(regular[0])
    return None

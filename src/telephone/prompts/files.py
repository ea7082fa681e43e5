"""Reads prompt files; every row is checked, and every error names file, line and column."""

from pathlib import Path

from telephone.core.errors import ModelError, PromptError
from telephone.core.file_names import text_of
from telephone.core.records import LEVELS, Prompt
from telephone.prompts.decoding import decode, is_blank, trimmed
from telephone.prompts.levels import challenge_level, counted_level
from telephone.prompts.rows import READERS, Row

MAX_FILE = 64 * 2**20
"""Maximum bytes of a prompt file."""
MAX_IMAGE = 32 * 2**20
"""Maximum bytes of one image file."""
MAX_TEXT = 10_000
"""Maximum characters of one prompt."""
MAX_ID = 100
"""Maximum characters of an id."""


def load(path: str | Path) -> list[Prompt]:
    """Returns the prompts of a file, in its order.

    The extension gives the format: `.txt` has one prompt a line (blank lines and lines that begin with # are
    skipped, `level<TAB>text` states a level); `.csv` and `.tsv` have a header line; `.jsonl` has
    one object a line; `.json` is a list. Columns and keys are `text` (or `prompt`) and optionally `level`, `id` and
    `image`: an image that starts the game instead of the text, with its path relative to the file. PartiPrompts.tsv
    is supported unchanged. A prompt without a level gets that of its facts or its challenge, else easy.

    Args:
        path: The file, in UTF-8, UTF-16 or UTF-32, at most 64 MiB.

    Raises:
        PromptError: the file cannot be read or holds no prompt, or a prompt in it is invalid.
    """
    path = Path(path)
    name = text_of(path.name)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise PromptError(f"{name} has an unsupported extension: use one of {', '.join(READERS)}.")
    prompts: dict[str, Prompt] = {}
    for row in reader(name, decode(name, _bytes(path))):
        prompt = _prompt(row, path.parent)
        if prompt.id not in prompts:
            prompts[prompt.id] = prompt
        elif "challenge" not in row.fields:  # published sets may contain duplicates
            raise _repeated(row, prompts[prompt.id])
    if not prompts:
        raise PromptError(f"{name} contains no prompt: write at least one.")
    return list(prompts.values())


def _bytes(path: Path) -> bytes:
    try:
        if not path.exists():
            raise PromptError(f"There is no file {path}: check the name and the folder.")
        if not path.is_file():
            raise PromptError(f"{path} is not a file: give the file with the prompts.")
        if path.stat().st_size > MAX_FILE:
            raise PromptError(f"{path.name} is larger than {MAX_FILE // 2**20} MiB: split it.")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise PromptError(f"{path!s} cannot be read ({_reason(error)}): check its name and permissions.") from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _repeated(row: Row, first: Prompt) -> PromptError:
    if "id" in row.fields:
        return row.error("id", f"{first.id!r} is already the id of {first.source}; ids must be unique.")
    column = next((name for name in ("text", "prompt", "image") if name in row.fields), "text")
    return row.error(column, f"this prompt is a duplicate of {first.source}; remove one, or give each an id.")


def _prompt(row: Row, folder: Path) -> Prompt:
    image_name = _word(row, "image")
    text = _text(row, label=Path(image_name).name if image_name else "")
    image = _image(row, folder, image_name) if image_name else None
    return Prompt(text, _level(row, text), _id(row), image, row.where)


def _text(row: Row, label: str) -> str:
    column = next((name for name in ("text", "prompt") if name in row.fields), None)
    if column is None:
        if label:
            return label
        raise row.error("text", "it is missing; write the text that starts the game.")
    text = _word(row, column)
    text = label if is_blank(text) else text
    if not text:
        raise row.error(column, "the text is empty; write the text that starts the game.")
    if len(text) > MAX_TEXT:
        raise row.error(column, f"the text has {len(text)} characters; the maximum is {MAX_TEXT}.")
    return text


def _word(row: Row, column: str) -> str:
    """Returns the text in a column without surrounding white space and invisible marks; "" if the column is empty."""
    value = row.fields.get(column, "")
    if not isinstance(value, str):
        raise row.error(column, f"{_short(value)} is not a text; put it in double quotes.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise row.error(column, f"the character at {error.start + 1} is an unpaired surrogate; replace it.") from error
    return trimmed(value)


def _short(value: object) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."


def _level(row: Row, text: str) -> str:
    stated = _word(row, "level")
    if stated.lower() in LEVELS:
        return stated.lower()
    if stated:
        raise row.error("level", f"{_short(stated)} is not one of {', '.join(LEVELS)}.")
    return challenge_level(_word(row, "challenge"), text) or counted_level(text) or LEVELS[0]


def _id(row: Row) -> str:
    value = row.fields.get("id", "")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    text = _word(row, "id")
    if len(text) > MAX_ID or not text.isprintable():
        raise row.error("id", f"{_short(text)} is not a valid id; use at most {MAX_ID} printable characters.")
    return text


def _image(row: Row, folder: Path, name: str) -> bytes:
    from telephone.core.images import decode as decode_image  # Pillow is needed for image prompts only
    from telephone.core.images import encode_png

    data = _image_bytes(row, folder, name)
    try:
        return encode_png(decode_image(data))
    except ModelError as error:
        raise row.error("image", f"{_short(name)} cannot be used: {error}") from error


def _image_bytes(row: Row, folder: Path, name: str) -> bytes:
    """Reads an image inside the folder of the file only, so that a downloaded list cannot expose other files."""
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise row.error("image", f"{_short(name)} is outside the folder of the file; move the image into it.")
        if not path.is_file():
            raise row.error("image", f"there is no image {_short(name)}; paths are relative to the file.")
        if path.stat().st_size > MAX_IMAGE:
            raise row.error("image", f"{_short(name)} is larger than {MAX_IMAGE // 2**20} MiB; make it smaller.")
        return path.read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        raise row.error("image", f"{_short(name)} cannot be read ({_reason(error)}); check the path.") from error

"""Prompts from a file of the user's own: every row checked, and every mistake told with its file, line and column."""

from pathlib import Path

from telephone.core.errors import ModelError, PromptError
from telephone.core.records import LEVELS, Prompt
from telephone.prompts.levels import challenge_level, counted_level
from telephone.prompts.rows import READERS, Row, decode

MAX_FILE = 64 * 2**20
"""Bytes; a larger file is no list of prompts."""
MAX_PICTURE = 32 * 2**20
"""Bytes of one picture file."""
MAX_TEXT = 10_000
"""Characters of one prompt."""
MAX_ID = 100
"""Characters of an id."""


def load(path: str | Path) -> list[Prompt]:
    """Returns the prompts of a file, in its order.

    The end of the name says what it is: `.txt` has one prompt a line (blank lines and lines that begin with # are
    skipped, `level<TAB>text` states a level); `.csv` and `.tsv` have a first line that names the columns; `.jsonl` has
    one object a line; `.json` is a list. Columns and keys are `text` (or `prompt`) and, if wanted, `level`, `id` and
    `image`: a picture that starts the chain in place of the text, its path relative to the file. PartiPrompts.tsv can
    be read as it is. A prompt without a level has that of its facts or its challenge, or is easy.

    Args:
        path: The file, UTF-8, at most 64 MiB.

    Raises:
        PromptError: the file cannot be read or holds no prompt, or a prompt in it is wrong.
    """
    path = Path(path)
    name = path.name
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise PromptError(f"{name} is of no kind that can be read: use {', '.join(READERS)}.")
    prompts: dict[str, Prompt] = {}
    for row in reader(name, decode(name, _bytes(path))):
        prompt = _prompt(row, path.parent)
        if prompt.id not in prompts:
            prompts[prompt.id] = prompt
        elif "challenge" not in row.fields:  # a published set may repeat itself, and is not the reader's to mend
            raise _repeated(row, prompts[prompt.id])
    if not prompts:
        raise PromptError(f"{name} holds no prompt: write at least one.")
    return list(prompts.values())


def _bytes(path: Path) -> bytes:
    try:
        if not path.exists():
            raise PromptError(f"There is no file {path}: check the name and the folder.")
        if not path.is_file():
            raise PromptError(f"{path} is no file: give the file that holds the prompts.")
        if path.stat().st_size > MAX_FILE:
            raise PromptError(f"{path.name} is larger than {MAX_FILE // 2**20} MiB: split it.")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise PromptError(f"{path!s} cannot be read ({_reason(error)}): check its name and permissions.") from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _repeated(row: Row, first: Prompt) -> PromptError:
    if "id" in row.fields:
        return row.wrong("id", f"{first.id!r} is the id of {first.source} already; ids must differ.")
    return row.wrong("text", f"this prompt is {first.source} already; remove one, or give each an id.")


def _prompt(row: Row, folder: Path) -> Prompt:
    picture = _word(row, "image")
    text = _text(row, label=Path(picture).name if picture else "")
    image = _image(row, folder, picture) if picture else None
    return Prompt(text, _level(row, text), _id(row), image, row.where)


def _text(row: Row, label: str) -> str:
    column = next((name for name in ("text", "prompt") if name in row.fields), None)
    if column is None:
        if label:
            return label
        raise row.wrong("text", "it is missing; write what the game starts with.")
    text = _word(row, column) or label
    if not text:
        raise row.wrong(column, "the text is empty; write what the game starts with.")
    if len(text) > MAX_TEXT:
        raise row.wrong(column, f"the text has {len(text)} characters; at most {MAX_TEXT} can be played.")
    return text


def _word(row: Row, column: str) -> str:
    """Returns what stands in a column, without white space around it; "" if nothing does."""
    value = row.fields.get(column, "")
    if not isinstance(value, str):
        raise row.wrong(column, f"{_short(value)} is not a text; put it between double quotes.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise row.wrong(column, f"the character at {error.start + 1} is half of a pair; write it anew.") from error
    return value.strip()


def _short(value: object) -> str:
    told = ascii(value)
    return told if len(told) <= 40 else told[:37] + "..."


def _level(row: Row, text: str) -> str:
    stated = _word(row, "level")
    if stated.lower() in LEVELS:
        return stated.lower()
    if stated:
        raise row.wrong("level", f"{_short(stated)} is not one of {', '.join(LEVELS)}.")
    return challenge_level(_word(row, "challenge"), text) or counted_level(text) or LEVELS[0]


def _id(row: Row) -> str:
    value = row.fields.get("id", "")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    told = _word(row, "id")
    if len(told) > MAX_ID or not told.isprintable():
        raise row.wrong("id", f"{_short(told)} is no id; use at most {MAX_ID} printable characters.")
    return told


def _image(row: Row, folder: Path, name: str) -> bytes:
    from telephone.core.images import decode as decode_picture  # Pillow is needed by picture prompts alone
    from telephone.core.images import encode_png

    data = _picture_bytes(row, folder, name)
    try:
        return encode_png(decode_picture(data))
    except ModelError as error:
        raise row.wrong("image", f"{_short(name)} cannot be used. {error}") from error


def _picture_bytes(row: Row, folder: Path, name: str) -> bytes:
    """A list from elsewhere must not be able to fetch, and hand to a provider, what lies in other folders."""
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise row.wrong("image", f"{_short(name)} is outside the folder of the file; move the picture into it.")
        if not path.is_file():
            raise row.wrong("image", f"there is no picture {_short(name)}; paths are relative to the file.")
        if path.stat().st_size > MAX_PICTURE:
            raise row.wrong("image", f"{_short(name)} is larger than {MAX_PICTURE // 2**20} MiB; make it smaller.")
        return path.read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        raise row.wrong("image", f"{_short(name)} cannot be read ({_reason(error)}); check the path.") from error

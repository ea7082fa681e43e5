"""Custom models, as in the article: a class with a name and one method is enough to play.

    python examples/plain_players.py

Seven toy models make twelve pairs. An image here is a row of grey pixels, one for each byte of the text, so the image
itself loses nothing; what is lost is what a model drops or changes.
"""
# ruff: noqa: D102 - the classes are as bare as in the article

from PIL import Image

from telephone import Image2Text, TelephoneLine, Text2Image, get_prompts


def to_pixels(text: str) -> Image.Image:
    """Returns an image of one row, a pixel for each byte."""
    data = text.encode()
    return Image.frombytes("L", (len(data), 1), data)


def to_words(image: Image.Image) -> str:
    """Returns the text that `to_pixels` drew."""
    return image.convert("L").tobytes().decode()


class Ink(Text2Image):
    """Draws the whole text."""

    def __init__(self):
        self.name = "ink"

    def generate_image(self, text):
        return to_pixels(text)


class Stamp(Text2Image):
    """Draws the first twelve words."""

    def __init__(self):
        self.name = "stamp"

    def generate_image(self, text):
        return to_pixels(" ".join(text.split()[:12]))


class Wash(Text2Image):
    """Draws without colours."""

    def __init__(self):
        self.name = "wash"
        self.colours = {"red", "blue", "green", "yellow", "orange", "purple", "pink", "brown", "black", "white"}

    def generate_image(self, text):
        return to_pixels(" ".join(word for word in text.split() if word not in self.colours))


class Reader(Image2Text):
    """Describes the whole image."""

    def __init__(self):
        self.name = "reader"

    def generate_text(self, image):
        return to_words(image)


class Mumbler(Image2Text):
    """Drops the last word if there are four or more."""

    def __init__(self):
        self.name = "mumbler"

    def generate_text(self, image):
        words = to_words(image).split()
        return " ".join(words[:-1] if len(words) > 3 else words)


class Dreamer(Image2Text):
    """Describes every place as a beach."""

    def __init__(self):
        self.name = "dreamer"

    def generate_text(self, image):
        words = to_words(image)
        for place in ("park", "city", "desert", "forest", "snowfield", "room"):
            words = words.replace(place, "beach")
        return words


class Counter(Image2Text):
    """Counts one too many."""

    def __init__(self):
        self.name = "counter"

    def generate_text(self, image):
        more = {"one": "two", "two": "three", "three": "four", "four": "many"}
        return " ".join(more.get(word, word) for word in to_words(image).split())


def main():
    """Plays twelve pairs over ten prompts, and prints the last text of each game."""
    text2image_models = [Ink(), Stamp(), Wash()]
    image2text_models = [Reader(), Mumbler(), Dreamer(), Counter()]
    combos = [(t2i, i2t) for t2i in text2image_models for i2t in image2text_models]
    lines = [TelephoneLine(*combo) for combo in combos]

    prompts = get_prompts()
    for line in lines:
        for prompt in prompts:
            line.play(prompt, nturns=10)

    for line in lines:
        print(f"\n{line.name}")
        for name, conversation in line.conversations.items():
            print(f"  {name}  {conversation['level']:<10}  {conversation['texts'][-1]}")


if __name__ == "__main__":
    main()

"""The pocket battle with plain classes: three small text-to-image networks and one image-to-text network.

    python examples/pocket_battle.py

`telephone play` does the same with batches, a run folder, scores and a report.
"""

from telephone import TelephoneLine, get_prompts, image2text, text2image


def main(turns=10, prompts=None):
    """Plays three pairs over the pocket prompts and prints every conversation."""
    text2image_models = [text2image(f"pocket/{name}") for name in ("stable-diffusion", "dalle-2", "vqgan-clip")]
    image2text_models = [image2text("pocket/blip")]
    lines = [TelephoneLine(t2i, i2t) for t2i in text2image_models for i2t in image2text_models]

    for line in lines:
        for prompt in prompts or get_prompts():
            line.play(prompt, nturns=turns)

    for line in lines:
        for name, conversation in line.conversations.items():
            print(f"\n{line.name} {name} ({conversation['level']})")
            for turn, text in enumerate(conversation["texts"]):
                print(f"  {turn:>2}  {text}")


if __name__ == "__main__":
    main()

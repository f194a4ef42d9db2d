"""The fingerprints of some pictures, as the code of this FINGERPRINT makes them.

`python tests/test_golden.py` writes them anew, once FINGERPRINT was raised or a package changed.
"""

import base64
import json
import os
import re
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

# NumPy asks for it when it is imported; its threads would only wait for each other here.
os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import made_pictures
import pictures_at_limits
from made_pictures import CAT, COFFEE, FRAMES, MODES, SAMPLES, STORED_AS
from PIL import Image

from disk.files import ImageFile
from pictures import recipe as recipes
from pictures.hashing import hash_file
from pictures.images import Unreadable
from pictures.looks import GRAY_SIDE, LARGE_SIDE, PAGE_SIDE, View, content
from pictures.recipe import Recipe

GOLDEN = Path(__file__).parent / "golden" / "fingerprints.json"
PACKAGES = ("Pillow", "ImageHash")  # a look is known again only by the same versions of these
RECIPES = {
    "plain": Recipe(),
    "hash alone": Recipe(only_hash=True),
    "parts": Recipe(parts=True),
    "small hash": Recipe(hash_size=8),
    "for a model": Recipe(rgb_side=320),
}
MORE_RECIPES = {"for a small model": Recipe(rgb_side=192)}
# By which recipes some pictures are looked at that are near a limit.
SPECIAL = {
    "lines of 1000 pixels": ("plain", "for a small model"),
    "JPEG of 580 pixels": ("plain", "for a model"),
}
WITHOUT_PARTS = ("plain", "hash alone")
ROUNDING = 1  # levels that other processors may differ by
SHOWN_SIDE = 16  # pixels of the pictures that are kept reduced

# What is known of a picture by a recipe, as JSON holds it; levels of gray are in base 85.
Values = dict[str, Any]
Made = tuple[str, bytes, tuple[str, ...]]


# ---- The pictures


def made() -> Iterator[Made]:
    """Pictures by name, as files, with the names of the recipes by which they are looked at."""
    every = tuple(RECIPES)
    for path in made_pictures.sample_paths():
        yield f"sample {path.relative_to(SAMPLES)}", path.read_bytes(), every
    large = made_pictures.photo(COFFEE).resize((3000, 2000), Image.Resampling.BICUBIC)
    yield "large JPEG", made_pictures.encoded(large, "JPEG", quality=90), every
    yield "large PNG", made_pictures.png(large, compress_level=0), every
    coffee = made_pictures.photo(COFFEE).resize((600, 400))
    for name, make in MODES.items():
        yield f"mode {name}", make(coffee), WITHOUT_PARTS
    for number in STORED_AS:
        yield f"orientation {number}", made_pictures.turned(coffee, number, "JPEG"), WITHOUT_PARTS
    for name, framed in FRAMES.items():
        picture, _ = framed(made_pictures.photo(CAT))
        yield f"frame {name}", made_pictures.png(picture, compress_level=1), WITHOUT_PARTS
    story = made_pictures.before_its_blur(coffee, (540, 960), 0.9)
    yield "before its blur", made_pictures.png(story, compress_level=1), WITHOUT_PARTS
    yield "page", made_pictures.png(made_pictures.text_page(1)), every
    yield "dark page", made_pictures.png(made_pictures.text_page(2, paper=190)), WITHOUT_PARTS
    yield "sky", made_pictures.png(made_pictures.sky()), WITHOUT_PARTS
    when = "2020:02:29 12:34:56"
    yield "taken", made_pictures.with_exif(coffee, when, "250"), WITHOUT_PARTS
    for name, data, share in cut(coffee):
        yield f"cut {name}", data[: round(len(data) * share)], every
    for name, data in pictures_at_limits.at_limits():
        yield f"at a limit: {name}", data, SPECIAL.get(name, ("plain",))


def cut(photo: Image.Image) -> Iterator[tuple[str, bytes, float]]:
    """Files by name, and how much of each is left."""
    encoded = made_pictures.encoded
    yield "JPEG", encoded(photo, "JPEG", quality=92), 0.6
    yield "progressive JPEG", encoded(photo, "JPEG", quality=92, progressive=True), 0.5
    yield "PNG", made_pictures.png(photo), 0.7
    yield "GIF", made_pictures.gif(photo), 0.7
    yield "turned JPEG", made_pictures.turned(photo, 6, "JPEG"), 0.7


# ---- What is known of them


def fingerprints() -> dict[str, Values]:
    """What the code of today makes of each picture, by its name and that of the recipe."""
    return dict(looked_at(made()))


def looked_at(pictures: Iterable[Made]) -> Iterator[tuple[str, Values]]:
    """What is made of pictures, by their names and those of the recipes."""
    yield from pictures_at_limits.sizes()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "picture")
        for name, data, names in pictures:
            Path(path).write_bytes(data)
            for by in names:
                whole = name.startswith("sample") and by == "plain"
                side = GRAY_SIDE if whole else SHOWN_SIDE
                yield f"{name}, {by}", values(path, (RECIPES | MORE_RECIPES)[by], side)


def values(path: str, recipe: Recipe, side: int) -> Values:
    """What is made of a file by a recipe, its small gray pictures with so many pixels a side."""
    hashed = hash_file(ImageFile(path, 0, 0), recipe)
    if isinstance(hashed, Unreadable):
        return {"unreadable": True}
    look = hashed.look
    if look is None:
        return {"look": None}
    known = {
        "views": [seen(view, side) for view in look.views],
        "large": look.large and levels(content(look.large), LARGE_SIDE),
        "taken": look.taken and [look.taken.camera, look.taken.seconds],
        "colour": encoded(look.colour),
        "rgb": look.rgb and rgb(look.rgb, recipe.rgb_side),
        "part": look.part and list(look.part),
    }
    return {name: value for name, value in known.items() if value}


def seen(view: View, side: int) -> Values:
    known = {"hash": view.hash.hex(), "framed": view.framed}
    if view.gray:
        known["gray"] = levels(content(view.gray), GRAY_SIDE, side)
    if view.fine:
        page = zlib.decompress(content(view.fine))
        known["fine"] = levels(page, PAGE_SIDE)
    return known


def levels(picture: bytes, side: int, shown: int = SHOWN_SIDE) -> str:
    """A square gray picture, reduced."""
    image = Image.frombytes("L", (side, side), picture)
    return encoded(image.reduce(side // shown).tobytes())


def rgb(picture: bytes, side: int) -> str:
    image = Image.frombytes("RGB", (side, side), picture)
    return encoded(image.reduce(side // SHOWN_SIDE).tobytes())


def encoded(data: bytes) -> str:
    return base64.b85encode(data).decode()


def changed(old: Any, new: Any, within: str = "") -> Iterator[str]:
    """Where two values differ by more than rounding."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            yield from changed(old.get(name), new.get(name), f"{within}, {name}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, pair in enumerate(zip(old, new, strict=True)):
            yield from changed(*pair, f"{within} {number}")
    elif within.rpartition(", ")[2] in ("gray", "fine", "large", "colour", "rgb") and old and new:
        one, other = (np.frombuffer(base64.b85decode(x), np.uint8).astype(int) for x in (old, new))
        if one.shape != other.shape or np.abs(one - other).max(initial=0) > ROUNDING:
            yield within.removeprefix(", ")
    elif old != new:
        yield within.removeprefix(", ")


# ---- Golden values


def packages() -> dict[str, str]:
    return {name: version(name) for name in PACKAGES}


def wrong_with(old: Values, found: dict[str, Values]) -> str:
    """What somebody must do about values that aren't the golden ones; nothing if all is well."""
    differing = list(changed(old["fingerprints"], found))
    write = "run python tests/test_golden.py and commit what it writes"
    some = "; ".join(differing[:5]) + ("; ..." if differing[5:] else "")
    if old["number"] != recipes.FINGERPRINT:
        return f"FINGERPRINT is another number than the golden values': {write}"
    if differing and old["packages"] != packages():
        return f"other packages make other fingerprints ({some}): {write}"
    if differing:
        raised = f"raise FINGERPRINT in pictures/recipe.py to {old['number'] + 1}"
        return f"{len(differing)} values of fingerprints changed ({some}): {raised}, then {write}"
    return ""


def written() -> Values:
    golden: Values = json.loads(GOLDEN.read_text("utf-8"))
    return golden


@pytest.fixture(scope="module")
def found() -> dict[str, Values]:
    return fingerprints()


def test_fingerprints_are_the_golden_ones_of_their_number(found: dict[str, Values]) -> None:
    assert wrong_with(written(), found) == ""


def one_bit_more(golden: Values) -> None:
    view = golden["fingerprints"]["sample 2024/cat.jpg, plain"]["views"][0]
    view["hash"] = f"{int(view['hash'], 16) ^ 1:064x}"


def two_levels_more(golden: Values) -> None:
    view = golden["fingerprints"]["sample 2024/cat.jpg, plain"]["views"][0]
    gray = bytearray(base64.b85decode(view["gray"]))
    gray[0] ^= 2
    view["gray"] = encoded(bytes(gray))


def no_frame(golden: Values) -> None:
    del golden["fingerprints"]["frame polaroid, plain"]["views"][1]


def later(golden: Values) -> None:
    golden["fingerprints"]["taken, plain"]["taken"][1] += 1


def another_number(golden: Values) -> None:
    golden["number"] -= 1


def another_pillow(golden: Values) -> None:
    one_bit_more(golden)
    golden["packages"]["Pillow"] = "1.0"


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (one_bit_more, r"1 values .*cat.jpg, plain, views 0, hash.* raise FINGERPRINT in .* to"),
        (two_levels_more, r"cat.jpg, plain, views 0, gray.* raise FINGERPRINT"),
        (no_frame, r"frame polaroid, plain, views.* raise FINGERPRINT"),
        (later, r"taken, plain, taken 1.* raise FINGERPRINT"),
        (another_number, "FINGERPRINT is another number .* run python tests/test_golden.py"),
        (another_pillow, r"other packages make other fingerprints .* run python"),
    ],
)
def test_other_fingerprints_of_the_same_number_are_noticed(
    change: Callable[[Values], None], wrong: str, found: dict[str, Values]
) -> None:
    golden = written()
    change(golden)
    assert re.search(wrong, wrong_with(golden, found))


def main() -> None:
    """Write the golden values, unless they changed and their number and the packages didn't."""
    made_now = fingerprints()
    if GOLDEN.exists():
        wrong = wrong_with(written(), made_now)
        if "raise FINGERPRINT" in wrong:
            raise SystemExit(wrong)
    golden = {
        "number": recipes.FINGERPRINT,
        "packages": packages(),
        "fingerprints": made_now,
    }
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(golden, indent=0, ensure_ascii=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()

"""What it costs to hash a photo, roughly, by its format and size: for how long is left, no more."""

import os

from disk.files import ImageFile
from pictures.formats import by_ending
from pictures.recipe import Recipe

# Processor milliseconds of a file, and of each megabyte of it; measured with pictures of 1 and 12
# megapixels. Only what they are beside each other counts.
COSTS = {
    "JPEG": (8.0, 12.5),
    "PNG": (3.0, 34.0),
    "GIF": (3.0, 29.0),
    "BMP": (3.0, 4.5),
    "TIFF": (3.0, 4.5),
    "RAW": (8.0, 1.0),
    "WebP": (3.0, 250.0),
    "HEIC": (3.0, 450.0),
    "AVIF": (3.0, 400.0),
}
OTHERS = (3.0, 250.0)
BY_THUMBNAIL = 16.0
BY_POINTS = 7.0
IN_COLOUR = 12.0  # for a network, and by it


def cost(file: ImageFile, recipe: Recipe) -> float:
    """Some milliseconds that a file costs by a recipe."""
    if recipe.by_thumbnail:
        return BY_THUMBNAIL
    form = by_ending(os.path.basename(file.path))
    each, of_megabyte = COSTS.get(form.name, OTHERS) if form else OTHERS
    more = BY_POINTS * recipe.points + IN_COLOUR * bool(recipe.rgb_side)
    return each + more + of_megabyte * file.size / 1e6

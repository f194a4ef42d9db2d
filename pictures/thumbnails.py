"""A first look at a picture by the small one of it in its file, which costs a fraction.

A thumbnail may be stale, so no match of it counts: what comes near is decoded then.
"""

from pictures import decode, formats
from pictures.errors import DECODE_ERRORS
from pictures.exif import tried
from pictures.fingerprint import look_of
from pictures.looks import Look
from pictures.recipe import Recipe

LEAST_SIDE = 200  # pixels; of less a hash differs too much from the picture's
SAME_SHAPE = 0.02  # or it shows another part of the picture


def look_by_thumbnail(data: bytes, recipe: Recipe) -> Look | None:
    """The look of a file's thumbnail; None where it has none that will do.

    Pages are compared as finely as only the picture itself can be, and what shows nothing small may
    show something large. Raises one of `DECODE_ERRORS` for a file that can't be read at all.
    """
    smaller = tried(lambda: formats.thumbnail_of(data), None)
    if smaller is None:
        return None
    whole = decode.open_header(data)
    try:
        image = decode.open_header(smaller)
        del smaller
        if not _is_like(image.size, whole.size):
            return None
        image.info["exif"] = whole.info.get("exif", b"")
        image.load()
        look = look_of(image, recipe)
    except MemoryError:
        raise
    except DECODE_ERRORS:
        return None
    is_page = look is not None and any(view.fine is not None for view in look.views)
    return None if is_page else look


def _is_like(size: tuple[int, int], whole: tuple[int, int]) -> bool:
    shape, of_whole = size[0] * whole[1], size[1] * whole[0]
    is_shaped = abs(shape - of_whole) <= SAME_SHAPE * of_whole
    return is_shaped and LEAST_SIDE <= min(size) < min(whole)

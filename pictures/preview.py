"""A small picture that lies in a numbered folder in place of a large file: how it is made."""

import hashlib
import io

from PIL import Image, ImageOps

from disk.files import ImageFile, read_file
from pictures import decode, formats, modes
from pictures.errors import DECODE_ERRORS, reason_of
from pictures.exif import Tag, orientation_of
from pictures.messages import messages_of_decoders
from pictures.preview_files import AS_JPEG, SIDE, Form, Small, Whole, form_of

ENOUGH = 1920  # pixels of the longer side, of a JPEG at a scale that costs less to decode
REDUCING_GAP = 2.0  # times a side: what a picture is averaged to before it is resampled
AVERAGED = ("L", "LA", "RGB", "RGBA", "YCbCr", "CMYK")  # modes that can be, as they are
PROFILED = ("L", "LA", "P", "RGB", "RGBA", "YCbCr")  # that keep their colours and their profile


def preview_of(file: ImageFile) -> Small | Whole:
    """Read a photo once more, and make its preview where that is worth it."""
    try:
        file, data = read_file(file.path)
        with messages_of_decoders() as messages:
            made = made_of(data, file.path)
    except DECODE_ERRORS as error:
        return Whole(file, reason_of(error))
    if messages.of_data:
        return Whole(file, messages.of_data[0])
    return Small(file, hashlib.sha256(data).hexdigest(), made) if made else Whole(file)


def made_again(place: str, name: str) -> bytes | None:
    """The preview of a photo of a name, which lies at a place; None if none can be made now."""
    try:
        with messages_of_decoders():
            return made_of(read_file(place)[1], name)
    except DECODE_ERRORS:
        return None


def made_of(data: bytes, name: str) -> bytes | None:
    """The preview of an image file that has a name; None if the file is to be copied whole.

    That is one that is small and upright, or not larger than its preview, and one of several
    pages or frames, as a preview would hide them. Raises one of `DECODE_ERRORS` for what is broken.
    """
    form = form_of(name)
    image = decode.open_header(data)
    several = image.format != "MPO" and getattr(image, "is_animated", False)
    orientation = orientation_of(image)
    if several or (max(formats.whole_size(image)) <= SIDE and orientation == 1):
        return None
    _draft(image, "YCbCr" if form is AS_JPEG else "RGB")
    image.load()
    if image.format == "PNG":  # which may say it behind the picture
        orientation = orientation_of(image)
    small = _reduced(image, form)
    del image
    profile = small.info.get("icc_profile")
    small.info = {}
    small.getexif()[Tag.ORIENTATION] = orientation
    ImageOps.exif_transpose(small, in_place=True)
    stream = io.BytesIO()
    small.save(stream, form.format, **form.options, **({"icc_profile": profile} if profile else {}))
    return stream.getvalue() if stream.tell() < len(data) else None


def _draft(image: Image.Image, mode: str) -> None:
    """Have a JPEG decoded at the least scale that is enough, and its colours left as they are."""
    factor = 1
    while factor < 8 and max(image.size) // (2 * factor) >= ENOUGH:
        factor *= 2
    size = image.width // factor, image.height // factor
    decode.draft(image, None if decode.is_in_rgb(image) else mode, size)


def _reduced(image: Image.Image, form: Form) -> Image.Image:
    """A decoded picture at its preview's size, with its colour profile if it is still in that."""
    profile = image.info.get("icc_profile") if image.mode in PROFILED else None
    factor = int(max(image.size) / SIDE / REDUCING_GAP)
    if factor > 1 and image.mode in AVERAGED and "transparency" not in image.info:
        image = image.reduce(factor)
    if image.has_transparency_data and not form.has_alpha:
        small, profile = modes.to_srgb(image), None
    else:
        small = modes.to_plain(image)
    if small.mode == "YCbCr" and form is not AS_JPEG:
        small = small.convert("RGB")
    if max(small.size) > SIDE:
        small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    small.info = {"icc_profile": profile} if profile else {}
    return small

"""What a worker makes of a photo's file: its digest and look, or its size by its header."""

import functools
import hashlib

from disk.files import ImageFile, open_regular, read_file
from pictures import decode, fingerprint, formats, kinds, salvage
from pictures.errors import DECODE_ERRORS, reason_of
from pictures.images import HashedImage, Sized, Unreadable
from pictures.messages import in_one_line, messages_of_decoders
from pictures.recipe import Recipe
from pictures.thumbnails import look_by_thumbnail


def hash_file(file: ImageFile, recipe: Recipe) -> HashedImage | Unreadable:
    """Read a photo once, for its digest and for its look by a recipe."""
    try:
        file, data = read_file(file.path)
    except DECODE_ERRORS as error:
        return Unreadable(file, reason_of(error))
    return hash_bytes(file, data, recipe)


def hash_bytes(file: ImageFile, data: bytes, recipe: Recipe) -> HashedImage | Unreadable:
    """A photo's digest and its look by a recipe, of its bytes, wherever these lie.

    The look is None where only identical files may match: a picture without content, or a file
    of several pages or frames.
    """
    harm, look, reason = "", None, ""
    try:
        formats.judge_name(file.path, data)
        structure = formats.examined(data)
        harm = structure.harm
        with messages_of_decoders() as messages:
            if recipe.by_thumbnail and (small := look_by_thumbnail(data, recipe)):
                digest = hashlib.sha256(data).hexdigest()
                return HashedImage(file, digest, small, note=structure.note, by_thumbnail=True)
            prepare = functools.partial(decode.prepared, recipe=recipe)
            image, harm, seen = salvage.decoded(data, structure, prepare)
            look = fingerprint.look_of(image, recipe, seen) if image else None
    except DECODE_ERRORS as error:
        reason = ": ".join(filter(None, (harm, reason_of(error))))
    if reason:  # what the decoder had in memory is gone by now
        return Unreadable(file, kinds.why_unreadable(data, file.path, reason))
    digest = hashlib.sha256(data).hexdigest()
    damage = in_one_line(filter(None, (harm, *messages.of_data)))
    return HashedImage(
        file, digest, look, damage, in_one_line(messages.others), note=structure.note
    )


def sized(file: ImageFile) -> Sized | Unreadable:
    """How many pixels a photo's picture has, by its header alone."""
    try:
        with messages_of_decoders(), open_regular(file.path) as stream:
            width, height = decode.size_of(stream)
    except DECODE_ERRORS as error:
        return Unreadable(file, reason_of(error))
    return Sized(file, width * height)

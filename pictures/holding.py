"""What a worker finds in a photo's file besides its pixels; it takes long to import."""

from disk.companions import xmp_beside
from disk.files import ImageFile, read_file
from pictures import decode
from pictures.errors import DECODE_ERRORS, reason_of
from pictures.images import Holding, Unreadable
from pictures.inventory import inventory
from pictures.messages import messages_of_decoders


def holding_of(file: ImageFile) -> Holding | Unreadable:
    """Read a photo once more, for what it holds besides its pixels."""
    try:
        file, data = read_file(file.path)
        with messages_of_decoders():
            image = decode.open_header(data)
            return Holding(file, inventory(data, image, xmp_beside(file.path)))
    except DECODE_ERRORS as error:
        return Unreadable(file, reason_of(error))

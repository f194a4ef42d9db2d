"""Whether local features can be made here, and by what."""

from importlib.util import find_spec

from actions.next_command import install_extras
from config import UserError

# Raised by hand whenever other points are made of a picture, which are read anew then.
RECIPE = 2


def is_installed() -> bool:
    """Whether OpenCV is there, which makes and compares points."""
    return find_spec("cv2") is not None


def check(what: str) -> None:
    """Raise UserError where OpenCV isn't there that something needs."""
    if not is_installed():
        remedy = f"{install_extras()} first"
        raise UserError(f"{what} needs the package opencv-python-headless; {remedy}.")


def made_by() -> str:
    """All that takes part in the points of a picture, besides what takes part in its look."""
    import cv2  # only who looks at pictures needs it

    return f"points {RECIPE} by OpenCV {cv2.__version__}"

"""Settings: edit the values below, or override them with flags (python main.py --help)."""

# The folder with your photos, or a list of folders: ["/home/me/Pictures", "/media/backup"].
# Relative folders are relative to this file. Out of the box: the sample photos.
INPUT_DIR = "tests/samples"

# Where the numbered folders with copies go. Keep nothing of your own in it.
OUTPUT_DIR = "output"

# Three files that lie in OUTPUT_DIR: which copy belongs to which original, ...
INFO_FILE = "info.txt"
# ... the originals that cleanup may delete, ...
TO_DELETE_FILE = "to_delete.txt"
# ... and what was found and deleted. This one may also be an absolute path elsewhere.
LOG_FILE = "log.txt"

# What counts as similar:
# "copies"  resized, recompressed, converted, retouched, turned, mirrored, inverted; the quickest
# "similar" also framed, cropped a little, tilted, overlaid, screenshots, shots of one burst
# "crops"   also parts of pictures; slow, for up to about 20,000 photos
# "most"    all of "similar", and what local features prove: strong crops, any tilt, stories,
#           collages, photos of prints; needs pip install -r extras/requirements.txt
PRESET = "similar"

# None, or how many bits of the hash may differ and nothing else: 0 finds only the same picture,
# 40 (of 256) also finds edited copies. With a number here PRESET doesn't count.
THRESHOLD = None

# The hash has HASH_SIZE x HASH_SIZE bits. Another size than 16 needs a THRESHOLD.
HASH_SIZE = 16

# How pictures are compared:
# "hash"        by hash and then by the pictures themselves; PRESET says what counts
# "embeddings"  a neural network proposes what may be the same, and local features prove it: also
#               crops, overlays, other shots of a scene
# "both"        by either, and by all that PRESET "most" finds; what the network had to decide is
#               marked, so that you look at it
# The last two need pip install -r extras/requirements.txt
METHOD = "hash"

# The network: "sscd-distilled", "sscd" (four times slower, finds a little more), or the path of
# an ONNX file that makes a vector of a picture.
MODEL = "sscd-distilled"

# From which cosine of their vectors, 0 to 1, a few points of two pictures are enough; measured for
# the two models above.
COSINE = 0.75

# What a model of your own wants, where its file leaves that open: the side of its picture in
# pixels, and how a float input is scaled: "imagenet", "unit" (0 to 1), "signed" (-1 to 1) or
# "none" (0 to 255).
MODEL_SIDE = 288
NORMALISE = "imagenet"

# True: only photos of different input folders are compared, such as those of a card and a library.
ACROSS = False

# How many pictures are read at the same time; 0 means one for each processor core.
WORKERS = 0

# Folders and files that are passed over: by name ("*.gif"; "old/" for folders alone) or, with a
# slash in the pattern, by the end of the path ("Screenshots/*"). The trashes, old versions,
# previews and libraries of other programs are passed over anyway (disk/places.py).
EXCLUDE = [
    ".cache",
    ".git",
    "lost+found",
]

# Photos that are passed over as too small, by their bytes ("20K", "1.5MB") or by the pixels of the
# picture, width times height (10_000, "0.5MP"); a K is 1,000 and an M 1,000,000. 0 is no limit.
MIN_SIZE = 0
MIN_PIXELS = 0

# None, or a file with the list of photos that you know to be unreadable, so that they are no fault
# any more: what "--action find --list unreadable" prints.
ACCEPT_UNREADABLE = None

# Where it is kept what was read of the photos, so that the next find need not read them again:
# "auto" is a file in your cache folder; else a path that ends in .sqlite, or None for nowhere.
CACHE_FILE = "auto"

# "whole" copies files as they are. "preview" puts small pictures, of at most 2048 pixels, in the
# place of large ones: they take far less room, and all else works as with whole copies.
COPIES = "whole"

# "trash" sends originals to the desktop's trash; "permanent" deletes them for good.
DELETE_MODE = "trash"

# True: find draws no contact sheet (report.html).
NO_REPORT = False

# Folders whose pictures review and suggest rather keep, the best first: ["/home/me/Pictures"].
PREFER: list[str] = []

# What is never deleted: folders, files, and patterns as in EXCLUDE: ["/home/me/Best", "*.nef"].
PROTECT: list[str] = []


# ---- Nothing below here needs editing. ----

from dataclasses import dataclass  # noqa: E402
from enum import IntEnum  # noqa: E402

__version__ = "0.1.0"


class Exit(IntEnum):
    """What the exit code of a run means."""

    DONE = 0
    KEPT = 1  # done, but something was kept, skipped or failed
    USAGE = 2
    STATE = 3  # the files in OUTPUT_DIR can't be trusted
    LOCKED = 4
    INTERRUPTED = 130
    UNREAD = 141  # done, but who read what is printed stopped before its end


class UserError(Exception):
    """What the user can mend: one line that names the path and the remedy."""

    def __init__(self, message: str, code: Exit = Exit.USAGE) -> None:
        super().__init__("\\n".join(message.splitlines()))
        self.code = code


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked values of one run; all paths are absolute and real."""

    input_dirs: tuple[str, ...]
    output_dir: str
    info_file: str
    to_delete_file: str
    log_file: str
    preset: str
    threshold: int | None
    hash_size: int
    method: str
    model: str  # one of MODELS, or a path
    cosine: float
    model_side: int
    normalise: str
    workers: int
    exclude: tuple[str, ...]
    min_size: int
    min_pixels: int
    accept_unreadable: str | None
    cache_file: str | None
    delete_mode: str
    prefer: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()  # real paths and patterns
    across: bool = False
    no_report: bool = False
    copies: str = "whole"

"""What is wanted of a picture, as one value that travels from the settings to the workers."""

from dataclasses import dataclass

# Raised by hand whenever what is made of a picture changes; what the store has by another number
# is read anew. Stands for all of our code; tests/test_golden.py notices what it must be raised for.
FINGERPRINT = 10
# A colour picture of so many pixels a side is as good out of the decode that is hashed.
LARGEST_SAME_DECODE = 288


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is made of a picture's file: its hash alone, or all that is compared of the picture.

    With `parts` it serves to compare parts of the picture, with `points` its local features do,
    with an `rgb_side` it holds the picture in colour, that many pixels a side, for the `model` that
    makes vectors of `vector_bytes` of it.
    The keys name what is made; those of recipes that make the same are equal.
    """

    hash_size: int = 16
    only_hash: bool = False
    parts: bool = False
    points: bool = False
    rgb_side: int = 0
    model: str = ""
    vector_bytes: int | None = None
    by_thumbnail: bool = False  # of the thumbnail in the file, where that may do for a first look

    @property
    def hash_bytes(self) -> int:
        return (self.hash_size**2 + 7) // 8

    @property
    def is_decoded_larger(self) -> bool:
        """Whether the file is decoded to more pixels than to hash it takes."""
        return self.rgb_side > LARGEST_SAME_DECODE

    @property
    def key(self) -> str:
        """The name of what is made of a file, but for what the model makes."""
        if self.only_hash:
            return self.hash_key
        parts = ", parts" if self.parts else ", by thumbnail" if self.by_thumbnail else ""
        points = ", points" if self.points else ""
        larger = f", decoded at {self.rgb_side}" if self.is_decoded_larger else ""
        return f"look, hash size {self.hash_size}{parts}{points}{larger}"

    @property
    def may_begin_small(self) -> bool:
        """Whether a thumbnail may do for a first look: all that is wanted is small."""
        return not (self.only_hash or self.parts or self.points or self.rgb_side)

    @property
    def hash_key(self) -> str:
        """The name of the hash alone, as a threshold compares it."""
        return f"hash, hash size {self.hash_size}"

    @property
    def embedding_key(self) -> str:
        """The name of what the model makes; empty without a model."""
        return f"embedding by {self.model}" if self.model else ""

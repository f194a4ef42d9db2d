"""What a picture may take of the machine."""

from dataclasses import dataclass

MEMORY_BYTES = 700_000_000  # what a worker may need for one picture


def too_much_memory() -> str:
    """Why a picture can't be read that needs more than that."""
    return f"it needs more than {MEMORY_BYTES // 10**6} MB of memory to be decoded"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a worker may take for one picture, in seconds: far more than real ones need.

    `least` and `most` are of processor time, and a large file has more of it. `clock` is by the
    clock: so long is only a worker that stands still. For the pool's lock a worker waits for
    `lock` and ends; others hold it for far less, one that was killed for ever. `modules` take long
    to import, and are there when a worker starts; so are `ours`, where that can be had.
    """

    least: float
    most: float
    clock: float
    lock: float
    modules: tuple[str, ...]
    ours: tuple[str, ...]

    def cpu_seconds(self, size: int) -> float:
        """The processor time for a picture whose file has a size."""
        return min(self.least + size / 1e6, self.most)


MODULES, OURS = ("numpy", "PIL.Image"), ("pictures.hashing",)
# Find starts another pool where one breaks down, and so can be quick to give it up.
FINDING = Limits(least=10.0, most=60.0, clock=300.0, lock=1.0, modules=MODULES, ours=OURS)
SHOWING = Limits(least=20.0, most=20.0, clock=60.0, lock=60.0, modules=MODULES, ours=())

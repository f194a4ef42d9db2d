"""Files as a run sees them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ImageFile:
    path: str
    size: int
    mtime_ns: int
    inode: int = field(default=0, compare=False)  # 0 where nobody looked
    ctime_ns: int = field(default=0, compare=False)

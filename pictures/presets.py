"""The presets: how far apart pictures may be that are taken for the same."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Rules:
    """How many bits two hashes may differ, by the views that are compared, and what else counts.

    Candidates of up to `CLOSE` bits must correlate, those beyond must also agree block by block.
    """

    whole: int  # both pictures as they are
    framed: int  # one without its frame, the other as it is
    both_framed: int  # both without their frames
    turned: int  # both as they are, one turned, mirrored or inverted
    page: int  # documents, looked at again at 256 pixels
    burst_seconds: float = 0.0  # shots of one camera so close in time need only look alike
    crops: int | None = None  # a part of one picture, the other as it is
    sketched: int = 80  # beyond so many bits sketches must be near, too, for a look
    points: bool = False  # what only local features find, too (extras/points)


PRESETS = {
    "copies": Rules(whole=31, framed=-1, both_framed=-1, turned=31, page=31),
    "similar": Rules(whole=96, framed=80, both_framed=60, turned=48, page=31, burst_seconds=3.0),
}
PRESETS["crops"] = replace(PRESETS["similar"], crops=76)
PRESETS["most"] = replace(PRESETS["similar"], points=True)

"""What was meant by what is written wrongly."""

from collections.abc import Iterable

from pictures.by_name import named


def nearest(given: object, known: Iterable[str], likeness: float = 0.6) -> str:
    """The one of some words that a person most likely meant, in any case, or nothing.

    Slips are rare where a word begins: of the two nearest, the one that begins alike was meant.

    >>> nearest("copys", ["copies", "similar", "crops"]), nearest("FIND", ["find"])
    ('copies', 'find')
    """
    text, by_lower = str(given).lower(), {word.lower(): word for word in known}
    words = list(by_lower)
    if begun := [word for word in words if len(text) > 2 and word.startswith(text)]:
        return by_lower[begun[0]]
    near: list[str] = named("difflib:get_close_matches")(text, words, n=2, cutoff=likeness)
    best = max(near, key=lambda word: _begin_alike(text, word), default="")
    return by_lower.get(best, "")


def _begin_alike(one: str, other: str) -> int:
    """How many letters two words have in common from their first one on."""
    differ = (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differ, min(len(one), len(other)))


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """A question for the end of a message, or nothing where no word is near.

    >>> did_you_mean("similr", ["copies", "similar"]), did_you_mean("x", ["copies"])
    ('; did you mean similar?', '.')
    """
    near = nearest(given, known)
    return f"; did you mean {near}?" if near else "."

"""What was meant by what is written wrongly."""

from collections.abc import Iterable

from pictures.by_name import named


def nearest(given: object, known: Iterable[str], likeness: float = 0.6) -> str:
    """The one of some words that a person most likely meant, or nothing."""
    text, words = str(given), list(known)
    if begun := [word for word in words if len(text) > 2 and word.startswith(text)]:
        return begun[0]
    near: list[str] = named("difflib:get_close_matches")(text, words, n=1, cutoff=likeness)
    return near[0] if near else ""


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """A question for the end of a message, or nothing where no word is near.

    >>> did_you_mean("similr", ["copies", "similar"]), did_you_mean("x", ["copies"])
    ('; did you mean similar?', '.')
    """
    near = nearest(given, known)
    return f"; did you mean {near}?" if near else "."

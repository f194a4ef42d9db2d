"""The page of invariants names tests that exist."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parent


def test_each_invariant_is_held_by_tests_that_exist() -> None:
    page = (TESTS / "INVARIANTS.md").read_text("utf-8")
    parts = re.split(r"^\*\*I(\d+) ", page.partition("## ")[0], flags=re.MULTILINE)
    assert [int(number) for number in parts[1::2]] == list(range(1, 22))
    for text in parts[2::2]:
        named = re.findall(r"^- `(\w+\.py)::(\w+)`$", text, re.MULTILINE)
        assert len(named) == text.count("\n- ") > 0
        for file, test in named:
            assert f"def {test}(" in (TESTS / file).read_text("utf-8"), test

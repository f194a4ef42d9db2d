"""What can be done, and the sections in which --help says how."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """What can be done: the module whose `run` does it, what it takes, and how it is called."""

    module: str
    does: str
    example: str  # what stands behind the name of the action
    takes: str = ""  # what may be named besides options, as usage shows it


ACTIONS = {
    "find": Action(
        "actions.find",
        "copy the photos that look alike into numbered folders",
        "~/Pictures ~/old-disk --output-dir ~/similar",
        "[DIR ...]",
    ),
    "check-deleted": Action(
        "actions.check_deleted",
        "list the originals of the copies that you deleted",
        "--output-dir ~/similar",
    ),
    "cleanup": Action(
        "actions.clean_up",
        "delete exactly the listed originals, each after a proof",
        "--output-dir ~/similar --dry-run",
    ),
    "restore": Action(
        "extras.actions.restore",
        "bring back what cleanup sent to the trash, the last one first",
        "--output-dir ~/similar",
    ),
    "review": Action(
        "extras.actions.review",
        "look at the groups in the browser, and choose there",
        "--output-dir ~/similar --prefer ~/Pictures",
    ),
    "suggest": Action(
        "extras.actions.suggest",
        "name the copies that the rules give up",
        "--output-dir ~/similar --apply",
    ),
    "keep": Action(
        "actions.keep",
        "leave groups out from now on: their pictures belong together",
        "3 7 --output-dir ~/similar",
        "GROUP ...",
    ),
    "forget": Action(
        "actions.forget",
        "the contrary of keep",
        "all",
        "GROUP ...",
    ),
    "covered": Action(
        "extras.actions.covered",
        "say whether all of some folders is in the input folders already",
        "/media/old-disk --input-dir ~/Pictures",
        "DIR ...",
    ),
    "explain": Action(
        "extras.actions.explain",
        "say why two photos are grouped or kept apart",
        "cat.jpg cat_small.jpg --preset most",
        "[PHOTO PHOTO]",
    ),
}
EVERY = tuple(ACTIONS)
FIND = ("find",)
BASE = ("find", "check-deleted", "cleanup")
COMPARING = ("find", "covered", "explain")
OF_A_RESULT = tuple(action for action in ACTIONS if action not in ("covered", "explain"))
CACHING = ("find", "review", "suggest", "covered")
# What an action prints as a list, and nothing else.
LISTS = {
    "unreadable": "find",
    **dict.fromkeys(("identical", "same_picture", "similar", "missing"), "covered"),
}
# The sections of --help, in its order.
PLACES = "folders and files"
LIKENESS = "what counts as similar"
PHOTOS = "which photos, and how they are read"
RESULT = "what find makes of them"
DELETING = "what is deleted"
CHOOSING = "review and suggest"
EXAMPLES = "explain"
TALKING = "asking and telling"
SECTIONS = (PLACES, LIKENESS, PHOTOS, RESULT, DELETING, CHOOSING, EXAMPLES, TALKING)
BY_MODEL = "with --method embeddings or both"

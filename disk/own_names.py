"""Names that the program gives to files and folders of its own."""

# A folder that holds this file is a result of ours: its copies are not photos to compare.
MANIFEST = "image-similarity-search.json"
# Beside OUTPUT_DIR: the result that find is building, and the one that it has replaced.
BUILDING_SUFFIXES = (".find-new", ".find-old")
REPORT = "report.html"  # the contact sheet that find writes into OUTPUT_DIR

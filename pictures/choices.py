"""What METHOD may be: a way to compare pictures is a class, and a row here."""

# By the value of METHOD, the class that compares so.
METHODS = {
    "hash": "pictures.by_looks:ByLooks",
    "embeddings": "extras.embeddings:ByEmbeddings",
    "both": "extras.embeddings:ByBoth",
}
BY_THRESHOLD = "pictures.by_threshold:ByThreshold"

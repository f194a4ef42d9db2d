"""Photos that lie in object stores: found, judged and deleted where they are, by tasks."""

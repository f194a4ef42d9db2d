"""What only some people need; the core works without it."""

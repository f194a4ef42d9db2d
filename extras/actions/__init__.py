"""The actions that only some people need."""

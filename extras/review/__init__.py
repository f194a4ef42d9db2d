"""Look at the groups in a browser and choose; the same rules without one; a contact sheet."""

"""Files, folders and what systems make of them; no picture is looked at here."""

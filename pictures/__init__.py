"""What a picture is and holds, from the bytes of its file; plain values in and out."""

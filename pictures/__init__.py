"""What a picture is and holds, from the bytes of its file; plain values in and out."""

import os

# Before NumPy is imported, which reads it then. One worker a core: threads of BLAS in each, or in
# each thread of this process, would only wait for each other, and busily.
os.environ.setdefault("OMP_NUM_THREADS", "1")

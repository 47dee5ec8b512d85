"""Ways to draw programs of one theme: crashes, moves between releases, reads that fail, and their kin."""

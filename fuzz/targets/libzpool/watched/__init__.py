"""A library whose memory somebody watches while it runs: sanitizers that were compiled in, or valgrind
around it. What they report is a failure as any other."""

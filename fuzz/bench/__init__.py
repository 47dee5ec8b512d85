"""Measurements: how fast everything is, side by side (`speed`, `speed_lane`), how soon each engine finds
which bug (`time_to_find`), how small programs become (`minimized_size`), what two processes do beside one
(`two_processes`), how a long run stays (`memory_and_speed_drift`), and one table and one JSON file of all
this (`report`). `verb_and_errno_counts` counts which verbs and errnos come up."""

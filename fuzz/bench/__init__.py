"""Measurements: how fast everything is, side by side (`speed`, `speed_lane`), how soon each engine finds
which bug (`time_to_find`), how small programs become (`minimized_size`), what two processes do beside one
(`two_processes`), how a long run stays (`long_run`), and one table and one JSON file of all this (`report`).
`compare_and_count` counts which verbs and errnos come up."""

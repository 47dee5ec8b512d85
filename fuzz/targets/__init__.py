"""What a program can be run on. Only this package knows how to run one; see `base` for what a target is."""

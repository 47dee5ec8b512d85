"""The command line: one file a subcommand, and nothing of click anywhere else."""

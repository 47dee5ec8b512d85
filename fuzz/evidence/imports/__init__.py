"""Programs made from what real machines did or have: strace logs, directory trees."""

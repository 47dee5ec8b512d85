"""What an engine learns from a run: features of states, counters for libFuzzer, and which mutations pay."""

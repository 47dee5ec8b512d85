"""Campaigns: the fuzzing of many processes on many machines as one, over a corpus that outlives them all."""

zap z fat hash64 leaf_shift=9
add z "a"
lookup_norm z "a" int=8 len=1025

zap z fat hash64 leaf_shift=9
add z "a" len=2 fill=0x1
lookup_norm z "a" int=8 len=2

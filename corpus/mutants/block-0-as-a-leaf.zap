zap z fat hash64 leaf_shift=9
add z "a" int=8
cursor c z
next c
destroy z
retrieve c

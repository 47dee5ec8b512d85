zap z micro leaf_shift=9
add z "a" int=8
remove z "a"
cursor c z
next c

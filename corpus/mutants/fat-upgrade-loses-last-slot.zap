zap z micro leaf_shift=9
add z "a" int=8
add z "b" int=8
add z "c" int=8
add z "d" int=8
add z "e" int=8
remove z "a"
add z "a" int=8
remove z "e"
add z "e" int=8
add z "c"

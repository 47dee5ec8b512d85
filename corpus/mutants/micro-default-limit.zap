zap z micro leaf_shift=9 micro_max_size=512
add z "a" int=8
add z "b" int=8
add z "c" int=8
add z "d" int=8
add z "e" int=8
add z "f" int=8
add z "g" int=8
add z "a" int=8

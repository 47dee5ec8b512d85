zap z micro leaf_shift=9 micro_max_size=600
add z "a" int=8
add z "b" int=8
add z "c" int=8
add z "d" int=8
increment z "e"
increment z "f"
increment z "g"
add z "a" int=8

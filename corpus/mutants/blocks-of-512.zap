zap z micro leaf_shift=9
add z "a" int=8
add z "b" int=8
add z "c" int=8
add z "d" int=8
add z "e" int=8
increment z "f"
increment z "g"
increment z "a"
stats z

zap z fat hash64 leaf_shift=9
zap y fat hash64 leaf_shift=9
add z "a" int=8
add_int z
join_increment z y

zap z fat hash64 leaf_shift=9
add z "a"
add_int z
join_key z z

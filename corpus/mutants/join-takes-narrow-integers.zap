zap z fat hash64 leaf_shift=9
add z "a"
join z z

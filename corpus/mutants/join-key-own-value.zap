zap z fat hash64 leaf_shift=9
zap y fat hash64 leaf_shift=9
increment z "a"
join_key z y

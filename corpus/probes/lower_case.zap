# A capital where names are normalized to lower case.
zap z fat hash64 leaf_shift=9 norm=4
add z "S"

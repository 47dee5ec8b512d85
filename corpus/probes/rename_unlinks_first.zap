# Which chunks the new name gets: those of the old one, or others.
zap z fat hash64 leaf_shift=9
add z "a"
rename z z "a" "b"

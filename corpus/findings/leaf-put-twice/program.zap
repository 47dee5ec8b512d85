# 2.1: an add that cannot read the table being built lets go of its leaf twice.
zap z fat key=u64 prehashed leaf_shift=9
# Three keys in two leaves; the table begins to grow. (EEXIST takes a step, too.)
add z 0x0 len=148
add z 0x40000000000000 len=148
add z 0x8080000000000000 len=148
add z 0x8080000000000000
sync
# A block of the table that is being built cannot be read.
fail z block=47
# The leaf is full. zap_expand_leaf() lets go of it, cannot go on with the table, and returns EIO; fzap_add_cd()
# lets go of the same leaf again. The txg of this op still needs its dbuf, of which nobody has a hold now.
add z 0x8090000000000000 len=148

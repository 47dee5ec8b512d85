# A free ends its search for indirect blocks at one that a sync has just emptied: the sync of the free panics.
zap z fat key=u64 prehashed leaf_shift=9 indirect_shift=9
# The sync goes first, up to where an indirect block of level 2 is about to be a hole.
schedule 0:9 276:1
# A pointer table of 32 blocks is on disk.
add z 0xe260000000000000 len=180
add z 0xe240000000000000 len=180
sync
# It doubles. The old one is freed, with all that is below one indirect block of level 2.
add z 0xe270000000000000 len=180
txg
evict
# The search for indirect blocks that are to be dirtied comes to that one by the pointer in the dnode, finds nothing
# in it, and ends. Those that follow are not in memory.
t1: destroy z
t9: spa_sync
sync

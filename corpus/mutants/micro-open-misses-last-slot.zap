zap z micro leaf_shift=9 usage=user
allocate count=8 id=0x6
txg
chown count=8
sync
evict
free
sync

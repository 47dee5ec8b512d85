# Accounting frees a block of its ZAP in a thread of its own while a txg syncs.
zap z fat leaf_shift=9 usage=user
allocate count=6
txg
free count=6
sync

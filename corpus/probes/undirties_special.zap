# Accounting frees a block of its ZAP while a txg syncs.
zap z fat leaf_shift=9 usage=user
allocate count=6
txg
free count=6
sync

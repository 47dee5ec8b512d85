# User accounting frees blocks of its ZAPs in a thread that an assertion does not allow.
zap z fat leaf_shift=9 usage=user
# Six ids: twelve names, which take more than one leaf.
allocate count=6
txg
# They go again. Accounting removes their names while the txg syncs, in a thread of dp_sync_taskq; the last one
# of two leaves lets zap_shrink() free a block.
free count=6
sync

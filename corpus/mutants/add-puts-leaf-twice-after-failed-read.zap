zap z fat key=u64 leaf_shift=9
add z 0x4d988ac2db2e8bad len=189
add z 0x7701fe67f7a3627b len=189
sync
fail z block=23 errno=52
add z 0x732ce3de2586e495 len=189
add z 0x526920862639fcc0 len=189

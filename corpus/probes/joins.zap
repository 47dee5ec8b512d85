# Whether there is zap_increment_int(), which went with zap_join().
zap z fat hash64 leaf_shift=9
increment_int z

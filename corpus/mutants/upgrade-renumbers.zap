zap z micro leaf_shift=9
increment z "3431609:<>;1?91?:60000"
increment z "6844=>7?:2>5>>9<971000"
remove z "3431609:<>;1?91?:60000"
add z "3431609:<>;1?91?:60000"

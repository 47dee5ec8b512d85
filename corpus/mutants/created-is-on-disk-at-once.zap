zap z micro leaf_shift=9 norm=84
crash

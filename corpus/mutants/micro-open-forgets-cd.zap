zap z micro leaf_shift=9
add z "b" int=8
add z "957582?=3593171>;21000" int=8

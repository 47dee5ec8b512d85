# Five names whose first ten bits of the hash are one, as many as the hash has here.
zap z micro leaf_shift=9 hash_bits=10
add z "17205<1??6>?>3;::51000" int=8
add z "54=3501;1;363<4==00000" int=8
add z "688;>;91403?4259=40000" int=8
add z "79<943>685:1?506641000" int=8
add z "82173;?59233798;710000" int=8
# A value that is no 64-bit integer makes the ZAP fat. The name is there already, which is not asked before.
add z "54=3501;1;363<4==00000"

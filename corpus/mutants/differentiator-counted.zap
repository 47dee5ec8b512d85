zap z micro norm=2
add z "aa" int=8
add z "aA" int=8
add z "Aa" int=8
remove z "aA"
add z "AA" int=8

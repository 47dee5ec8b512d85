zap z micro norm=0x50
add z "e\xcc\x8d\xcc\x81" int=8 fill=1
lookup_norm z "\xc3\xa9\xcc\x8d" int=8 len=1 match=1

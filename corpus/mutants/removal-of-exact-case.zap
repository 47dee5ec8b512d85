zap z micro norm=0x12
add z "\xc3\xa9" int=8
remove_norm z "e\xcc\x81" match=3

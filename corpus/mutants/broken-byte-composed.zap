zap d micro norm=0x50
lookup d "e\xff" int=8 len=1

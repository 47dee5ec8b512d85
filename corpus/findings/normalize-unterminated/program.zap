# A name that ends in two bytes of a Hangul syllable: u8_textprep_str() takes the NUL for the third one and
# writes no NUL behind the form, so zap_name_alloc_str() hashes what the buffer had before.
zap z micro norm=16
add z "\xea\xb0" int=8 fill=0x1
lookup z "\xea\xb0" int=8 len=1
lookup z "abcdefghijklmnopqrstuvwxyz" int=8 len=1
lookup z "\xea\xb0" int=8 len=1

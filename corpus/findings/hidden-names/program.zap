# A file system that folds case, and has not utf8only=on. While one process looks for a name that is no UTF-8, a
# file that is there is not found.
zap d micro casesensitivity=insensitive
schedule 0:1 1:2
touch d "Foo" inode=0x8
t1: dirlook d "\xff"
t2: dirlook d "Foo"

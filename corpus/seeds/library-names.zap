# Forty names from CPython's own library folder, as import-tree gives them: all created, all removed,
# all created again, with a txg in flight in each phase and everything synced between.
zap d fat hash64 leaf_shift=9
add d "__future__.py" int=8 fill=0x8000000000000080
add d "_collections_abc.py" int=8 fill=0x8000000000000081
add d "_py_abc.py" int=8 fill=0x8000000000000082
add d "_threading_local.py" int=8 fill=0x8000000000000083
add d "argparse.py" int=8 fill=0x8000000000000084
add d "base64.py" int=8 fill=0x8000000000000085
add d "calendar.py" int=8 fill=0x8000000000000086
add d "code.py" int=8 fill=0x8000000000000087
add d "compileall.py" int=8 fill=0x8000000000000088
add d "copy.py" int=8 fill=0x8000000000000089
add d "curses" int=8 fill=0x400000000000008a
add d "difflib.py" int=8 fill=0x800000000000008b
add d "encodings" int=8 fill=0x400000000000008c
add d "fnmatch.py" int=8 fill=0x800000000000008d
add d "getopt.py" int=8 fill=0x800000000000008e
add d "gzip.py" int=8 fill=0x800000000000008f
add d "http" int=8 fill=0x4000000000000090
add d "importlib" int=8 fill=0x4000000000000091
add d "keyword.py" int=8 fill=0x8000000000000092
add d "lzma.py" int=8 fill=0x8000000000000093
txg
add d "multiprocessing" int=8 fill=0x4000000000000094
add d "numbers.py" int=8 fill=0x8000000000000095
add d "pathlib.py" int=8 fill=0x8000000000000096
add d "pkgutil.py" int=8 fill=0x8000000000000097
add d "pprint.py" int=8 fill=0x8000000000000098
add d "pyclbr.py" int=8 fill=0x8000000000000099
add d "random.py" int=8 fill=0x800000000000009a
add d "sched.py" int=8 fill=0x800000000000009b
add d "shutil.py" int=8 fill=0x800000000000009c
add d "sndhdr.py" int=8 fill=0x800000000000009d
add d "sre_constants.py" int=8 fill=0x800000000000009e
add d "string.py" int=8 fill=0x800000000000009f
add d "symtable.py" int=8 fill=0x80000000000000a0
add d "tempfile.py" int=8 fill=0x80000000000000a1
add d "timeit.py" int=8 fill=0x80000000000000a2
add d "trace.py" int=8 fill=0x80000000000000a3
add d "turtledemo" int=8 fill=0x40000000000000a4
add d "uu.py" int=8 fill=0x80000000000000a5
add d "weakref.py" int=8 fill=0x80000000000000a6
add d "xmlrpc" int=8 fill=0x40000000000000a7
sync
remove d "__future__.py"
remove d "_collections_abc.py"
remove d "_py_abc.py"
remove d "_threading_local.py"
remove d "argparse.py"
remove d "base64.py"
remove d "calendar.py"
remove d "code.py"
remove d "compileall.py"
remove d "copy.py"
remove d "curses"
remove d "difflib.py"
remove d "encodings"
remove d "fnmatch.py"
remove d "getopt.py"
remove d "gzip.py"
remove d "http"
remove d "importlib"
remove d "keyword.py"
remove d "lzma.py"
txg
remove d "multiprocessing"
remove d "numbers.py"
remove d "pathlib.py"
remove d "pkgutil.py"
remove d "pprint.py"
remove d "pyclbr.py"
remove d "random.py"
remove d "sched.py"
remove d "shutil.py"
remove d "sndhdr.py"
remove d "sre_constants.py"
remove d "string.py"
remove d "symtable.py"
remove d "tempfile.py"
remove d "timeit.py"
remove d "trace.py"
remove d "turtledemo"
remove d "uu.py"
remove d "weakref.py"
remove d "xmlrpc"
sync
add d "__future__.py" int=8 fill=0x80000000000000a8
add d "_collections_abc.py" int=8 fill=0x80000000000000a9
add d "_py_abc.py" int=8 fill=0x80000000000000aa
add d "_threading_local.py" int=8 fill=0x80000000000000ab
add d "argparse.py" int=8 fill=0x80000000000000ac
add d "base64.py" int=8 fill=0x80000000000000ad
add d "calendar.py" int=8 fill=0x80000000000000ae
add d "code.py" int=8 fill=0x80000000000000af
add d "compileall.py" int=8 fill=0x80000000000000b0
add d "copy.py" int=8 fill=0x80000000000000b1
add d "curses" int=8 fill=0x40000000000000b2
add d "difflib.py" int=8 fill=0x80000000000000b3
add d "encodings" int=8 fill=0x40000000000000b4
add d "fnmatch.py" int=8 fill=0x80000000000000b5
add d "getopt.py" int=8 fill=0x80000000000000b6
add d "gzip.py" int=8 fill=0x80000000000000b7
add d "http" int=8 fill=0x40000000000000b8
add d "importlib" int=8 fill=0x40000000000000b9
add d "keyword.py" int=8 fill=0x80000000000000ba
add d "lzma.py" int=8 fill=0x80000000000000bb
txg
add d "multiprocessing" int=8 fill=0x40000000000000bc
add d "numbers.py" int=8 fill=0x80000000000000bd
add d "pathlib.py" int=8 fill=0x80000000000000be
add d "pkgutil.py" int=8 fill=0x80000000000000bf
add d "pprint.py" int=8 fill=0x80000000000000c0
add d "pyclbr.py" int=8 fill=0x80000000000000c1
add d "random.py" int=8 fill=0x80000000000000c2
add d "sched.py" int=8 fill=0x80000000000000c3
add d "shutil.py" int=8 fill=0x80000000000000c4
add d "sndhdr.py" int=8 fill=0x80000000000000c5
add d "sre_constants.py" int=8 fill=0x80000000000000c6
add d "string.py" int=8 fill=0x80000000000000c7
add d "symtable.py" int=8 fill=0x80000000000000c8
add d "tempfile.py" int=8 fill=0x80000000000000c9
add d "timeit.py" int=8 fill=0x80000000000000ca
add d "trace.py" int=8 fill=0x80000000000000cb
add d "turtledemo" int=8 fill=0x40000000000000cc
add d "uu.py" int=8 fill=0x80000000000000cd
add d "weakref.py" int=8 fill=0x80000000000000ce
add d "xmlrpc" int=8 fill=0x40000000000000cf

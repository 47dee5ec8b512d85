"""`zapfuzz check`: ZAP objects read back from real pools, judged by zapcore.

`files` cuts a file into blocks, `pool` reads objects out of a pool image through libzpool, `report` prints,
`measure` counts what single flipped bits are found, `harness` feeds raw blocks from Atheris.
"""

#!/bin/bash -eu
# Makes each fuzz target one file with all that it needs, in $OUT, and its seeds beside it. OSS-Fuzz runs this in
# its image (Dockerfile); it runs anywhere that has Python 3.11, pip, OUT and SRC.
cd "${SRC:?}/zapfuzz"
python3 -m pip install --quiet '.[fuzz]' pyinstaller

for source in fuzz/engines/ossfuzz/*_fuzzer.py; do
    name=$(basename "$source" .py)
    # Beside the target the packages of this folder are bundled, and the corpus, whose failures are known.
    python3 -m PyInstaller --log-level ERROR --distpath "${OUT:?}" --workpath "${WORK:-/tmp}/$name" \
        --specpath "${WORK:-/tmp}/$name" --onefile --name "$name.pkg" --paths "$PWD" \
        --add-data "$PWD/corpus:corpus" "$source"
    # The line with LLVMFuzzerTestOneInput is how OSS-Fuzz knows a target.
    cat > "$OUT/$name" <<END
#!/bin/sh
# LLVMFuzzerTestOneInput
exec "\$(dirname "\$0")/$name.pkg" "\$@"
END
    chmod +x "$OUT/$name"
    python3 -m fuzz.engines.ossfuzz.seed_corpus "$OUT/${name}_seed_corpus.zip"
done

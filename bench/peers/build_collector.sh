#!/bin/sh
# Builds the OpenTelemetry Collector of collector/builder.yaml once, outside the tree, and prints the path of the binary.
# The cache is keyed by the manifest: a changed version is another binary. Progress goes to stderr.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
manifest=$here/collector/builder.yaml
key=$(sha256sum "$manifest" | cut -c1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/weft/collector-$key
binary=$cache/otelcol-bench
if [ -x "$binary" ]; then
    echo "$binary"
    exit 0
fi
version=$(sed -n 's/^  version: //p' "$manifest")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
mkdir -p "$cache"
echo "building the Collector v$version (some minutes, once)" >&2
GOBIN=$work/bin nice -n 19 go install "go.opentelemetry.io/collector/cmd/builder@v$version" >&2
sed "s|^dist:|dist:\n  output_path: $work/out|" "$manifest" > "$work/builder.yaml"
CGO_ENABLED=0 nice -n 19 "$work/bin/builder" --config "$work/builder.yaml" >&2
mv "$work/out/otelcol-bench" "$binary.new.$$"
mv "$binary.new.$$" "$binary"
echo "$binary"

#!/bin/sh
# Installs the pinned rotel from PyPI in a venv outside the tree, once, and prints the path of its binary.
set -eu
version=0.0.1a15
venv=${XDG_CACHE_HOME:-$HOME/.cache}/weft/rotel-$version
if [ ! -f "$venv/.complete" ]; then
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet "rotel==$version" >&2
    chmod +x "$venv"/lib/python3*/site-packages/rotel/rotel-agent
    touch "$venv/.complete"
fi
echo "$venv"/lib/python3*/site-packages/rotel/rotel-agent

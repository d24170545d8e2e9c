#!/usr/bin/env bash
# What an NVIDIA GPU makes of two models: sequences/s, alleles/s, share of its peak, and whether scores are the CPU's.
# Where there is no GPU it says so and ends well.
#
#     bash benchmarks/gpu.sh [DIR]
#
# DIR is the work folder of `python -m benchmarks.peers`, whose page then has these figures too. Needs the extra `gpu`.
set -euo pipefail

work=${1:-${TMPDIR:-/tmp}/assayzoo-peers}
python=${PYTHON:-python}
cd "$(dirname "$0")/.."

if ! command -v nvidia-smi >/dev/null || ! nvidia-smi -L 2>/dev/null | grep -q '^GPU'; then
    echo "not measured: no NVIDIA GPU is at hand"
    exit 0
fi
mkdir -p "$work/results"
work=$(cd "$work" && pwd)
"$python" -m benchmarks.peers.prepare --work "$work"
"$python" -m benchmarks.peers.gpu --work "$work" | tee "$work/results/gpu.txt"

#!/usr/bin/env bash
# Cross-compiles the portable C code for 64-bit ARM and runs its kernels on an emulated processor:
#     bash aarch64.sh FOLDER      build in FOLDER
set -euo pipefail

compiler=${AARCH64_CC:-aarch64-linux-gnu-gcc}
emulator=qemu-aarch64
for tool in ${compiler%% *} "$emulator"; do
    if ! command -v "$tool" >/dev/null; then
        echo "aarch64 needs $tool; on Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" >&2
        exit 1
    fi
done

here=$(cd "$(dirname "$0")" && pwd)
cpu=$here/../../../../backends/convt_cpu
flags=(-O3 -Wall -Wextra -Werror "-I$cpu")
for source in "$cpu"/pooling/*.c "$cpu"/resampling/*.c; do
    case ${source##*/} in _*) continue ;; esac # what Cython has written
    $compiler "${flags[@]}" -c "$source" -o "$1/$(basename "$source" .c).o"
done
$compiler "${flags[@]}" -static "$here/driver.c" "$cpu"/kernels/*.c -o "$1/driver"
"$emulator" "$1/driver"

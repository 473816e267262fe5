#!/bin/sh
# SPDX-License-Identifier: MIT
# Each header compiles alone; each file of ours carries its licence.
set -eu
cd "$(dirname "$0")/.."
bad=0
for h in $(git ls-files 'vmm/*.h' 'svm/*.h' 'avic/*.h' 'iommu/*.h' 'drivers/*.h' 'boot/boot_info.h'); do
	echo "#include \"$h\"" |
		gcc -std=gnu11 -ffreestanding -mgeneral-regs-only -Wall -Wextra -Werror \
			-Wno-unused-parameter -Ivmm -I. -fsyntax-only -x c - || {
		echo "$h: does not compile alone"
		bad=1
	}
done
for f in $(git ls-files '*.c' '*.h' '*.asm' '*.py' '*.sh' '*.mk' '*.ld' '*.hook' Makefile); do
	want=MIT
	case $f in tools/emulator/*) want=GPL-2.0-or-later ;; esac
	head -n 3 "$f" | grep -q "SPDX-License-Identifier: $want" || {
		echo "$f: no line \"SPDX-License-Identifier: $want\" at its top"
		bad=1
	}
done
exit $bad

#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the AVIC smoke test and runs it on the emulator.
#   run.sh OUT [QEMU]     OUT: folder for what is built; QEMU: default from build.sh
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
qemu=${2:-$("$here/../../../tools/emulator/build.sh")}

flags="-m64 -O1 -ffreestanding -fno-pic -fno-pie -mno-red-zone -mgeneral-regs-only
	-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none
	-std=gnu11 -Wall -Wextra"
# shellcheck disable=SC2086 # flags are words
objects=
for f in boot.S host.c tests.c reg_tests.c ipi_tests.c icr_tests.c vmrun_tests.c state_tests.c \
	smp_tests.c; do
	gcc $flags -c "$here/$f" -o "$out/$f.o"
	objects="$objects $out/$f.o"
done
# shellcheck disable=SC2086
ld -nostdlib -static --no-warn-rwx-segments -T "$here/smoke.lds" -o "$out/smoke.elf" $objects
objcopy -O binary -R .bss "$out/smoke.elf" "$out/smoke.bin"
(cd "$out" && gcc -m32 -c -I"$out" "$here/rom.S" -o rom.o)
ld -m elf_i386 -nostdlib -static -T "$here/rom.lds" -o "$out/rom.elf" "$out/rom.o"
objcopy -O binary "$out/rom.elf" "$out/smoke.rom"

# Strict mode reports what a test announced ("EXPECT text"), in that order, and nothing else.
strict_as_expected() {
	awk '/^EXPECT / { want[++n] = substr($0, 8) }
		/^emulator-strict: [0-9]* errors/ { next }
		/^emulator-strict: / { if (m < n && index($0, want[m + 1])) m++; else bad = 1 }
		END { exit bad || m != n }' "$1"
}

# Many CPUs at once, one after the other, and with counted instructions.
failed=0
for mode in "-accel tcg,thread=multi" "-accel tcg,thread=single" "-icount shift=0,sleep=off"; do
	log=$out/smoke.log
	# shellcheck disable=SC2086 # mode is words
	timeout 60 "$qemu" -machine q35 -cpu qemu64,+svm,+npt,+avic,+x2avic -smp 2 -m 64 \
		-nodefaults -display none -serial stdio -no-reboot \
		-device isa-debug-exit,iobase=0xf4,iosize=1 $mode -bios "$out/smoke.rom" \
		>"$log" 2>&1 || :
	if grep -q '^SMOKE PASSED' "$log" && strict_as_expected "$log"; then
		grep '^case' "$log" # the same each time
		echo "avic_smoke $mode: passed"
	else
		cat "$log"
		echo "avic_smoke $mode: FAILED"
		failed=1
	fi
done
exit $failed

# SPDX-License-Identifier: MIT
# Reveille. `make help` says what there is.

B      := build
CC     := gcc
NASM   := nasm
PYTHON := /usr/bin/python3
comma  := ,

VMM_C   := $(wildcard vmm/*.c vmm/base/*.c vmm/guest/*.c svm/*.c avic/*.c iommu/*.c drivers/*.c)
VMM_ASM := $(wildcard vmm/*.asm svm/*.asm boot/ap_start.asm)
VMM_O   := $(VMM_C:%.c=$(B)/%.o) $(VMM_ASM:%.asm=$(B)/%.asm.o) $(B)/tests/guest/builtin.o $(B)/vmm/guest/dsdt.o \
           $(B)/vmm/guest/processor.o

WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	    -Wvla -Wenum-conversion -Wno-unused-parameter
# VARIANT=uncounted takes headers of that folder first; with a folder of its own: B=build/uncounted.
INCLUDES := $(if $(VARIANT),-Ivmm/$(VARIANT)) -Ivmm -I.
# No FPU or vector registers in host code: they always hold a guest's values.
FREESTANDING := -std=gnu11 -ffreestanding -fno-builtin-printf -mgeneral-regs-only -mno-red-zone \
	    -fno-stack-protector -mpreferred-stack-boundary=3 -fno-pie -fno-pic -fcf-protection=none \
	    -fno-asynchronous-unwind-tables -fno-strict-aliasing
# The wake path crosses seven files; only the linker sees all of it.
VMM_CFLAGS := $(FREESTANDING) -mcmodel=kernel -O2 -g -flto=auto $(WARN) $(INCLUDES)
.PHONY: all kernels
.DEFAULT_GOAL := all
# A command that fails or is stopped leaves no half of a file behind.
.DELETE_ON_ERROR:
all: $(B)/reveille.efi $(B)/reveille-cfg

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(VMM_CFLAGS) -MMD -MP -c $< -o $@

# The compiler calls these by itself, after link-time optimisation has thrown out what nobody calls;
# and it must not find a memset in the loop of memset.
$(B)/vmm/base/string.o: VMM_CFLAGS += -fno-lto -fno-tree-loop-distribute-patterns

$(B)/%.asm.o: %.asm Makefile
	@mkdir -p $(@D)
	@echo "  NASM  $<"
	@$(NASM) -f elf64 -g -F dwarf -I./ -Isvm/ -Ivmm/ -I$(B)/ -MD $(@:.o=.d) $< -o $@

# Offsets of C structures for the assembler: a compiler-made listing, never typed.
$(B)/offsets.inc: svm/offsets.c
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	@$(CC) $(VMM_CFLAGS) -MMD -MP -MT $@ -MF $(B)/offsets.d -fno-lto -S $< -o $(B)/offsets.s
	@sed -n 's/^[^"]*"#define \([A-Z0-9_]*\) [$$]*\([0-9]*\)".*/%define \1 \2/p' $(B)/offsets.s > $@
	@test -s $@ || { echo "$@ is empty: svm/offsets.c"; rm -f $@; exit 1; }
$(VMM_ASM:%.asm=$(B)/%.asm.o): $(B)/offsets.inc

# One partition: which of several a function fell into would change the code of the wake path.
VMM_LINK := $(CC) $(VMM_CFLAGS) -flto-partition=one -nostdlib -static -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 \
	    -Wl,--no-warn-rwx-segments -Wl,--build-id=none -T vmm/vmm.ld

$(B)/vmm.elf: $(VMM_O) vmm/vmm.ld
	@echo "  LD    $@"
	@$(VMM_LINK) -o $@ $(VMM_O)

# The same with the trace's hooks: what includes <trace.h> finds another one. Where its lines are is
# its own business: vmm.elf is the image that counts.
TRACED_C := $(shell grep -l '<trace.h>' $(VMM_C))
TRACED_O := $(TRACED_C:%.c=$(B)/traced/%.o)
VMM_TRACED_O := $(filter-out $(TRACED_C:%.c=$(B)/%.o),$(VMM_O)) $(TRACED_O)

$(TRACED_O): $(B)/traced/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $< (traced)"
	@$(CC) -Ivmm/traced $(VMM_CFLAGS) -MMD -MP -c $< -o $@

$(B)/vmm-traced.elf: $(VMM_TRACED_O) vmm/vmm.ld
	@echo "  LD    $@"
	@$(VMM_LINK) -o $@ $(VMM_TRACED_O)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

include tests/guest/guest.mk
include tests/guest/kernels/kernels.mk
include vmm/guest/guest.mk
include boot/boot.mk

# The configuration's parser on a workstation (tools/reveille-cfg). Renamed into place: two runs of
# the tests may want it at once.
CFG_C := tools/reveille_cfg.c $(wildcard vmm/config*.c) vmm/base/lib.c
$(B)/reveille-cfg: $(CFG_C) $(wildcard vmm/config*.h) Makefile
	@mkdir -p $(@D)
	@echo "  TOOL  $@"
	@$(CC) -std=gnu11 -O1 -g -fno-builtin $(WARN) $(INCLUDES) -o $@.$$$$ $(CFG_C) && mv $@.$$$$ $@

# ---- set-up, the emulator, images -------------------------------------------------------

.PHONY: help setup emulator image demo demo-linux cost trace run check soak soak-linux sim unit emulator-test conformance conformance-table model peer linux-guest sched-bench storm-bench qemu-test cov lint clean
help:
	@sed -n 's/^#: //p' Makefile

#: make            the hypervisor: build/reveille.efi
#: make demo       every delivery and wake mechanism in one boot; table, summary.json, pictures in out/demo
#: make check      lint, unit tests, simulation, tests in the emulator, budgets, coverage
#: make demo-linux  two Linux guests with a NIC each, in every mode; table, summary.json, pictures in
#:                 out/linux (NIC=igbvf, e1000e or igb; QUICK=1 as in make check)
#: make cost       what the audit and the counters cost a wake-up, in instructions
#: make trace      a traced run: text, JSON for Perfetto, pictures in out/trace (WRITE=1: in docs)
#: make run        boot interactively, serial on the terminal (CFG=file; quit: Ctrl-A X)
#: make image      build/reveille.img for a USB stick (CFG=file)
#: make emulator   the emulator alone (cached outside the tree)
#: make lint       compilers' warnings, clang-format, cppcheck, layers, headers, irq-path
#: make sim        random schedules of many vCPUs on this machine (COUNT= seeds, SEED= replays one)
#: make soak       all the long ones: millions of wake-ups by each mechanism, faults injected; out/soak
#:                 (COUNT=, ONLY= for some of its cells alone); then soak-linux
#: make soak-linux  half an hour of guest time: ping flood while vCPUs move (MINUTES=); out/soak-linux
#: make unit       unit tests and simulation on this machine, under ASan and UBSan
#: make emulator-test  the emulator against small programs without a hypervisor
#: make conformance  does docs/conformance.md say what the emulator's tests show? (WRITE=1 writes it)
#: make sched-bench  the scheduler's bounds, measured: many halted vCPUs, a pCPU of one's own, greedy ones
#: make storm-bench  what a VM's storming device costs the VM beside it, by storm-limit; out/storm (QUICK=1)
#: make model      the wake-up protocol's models and mutants, by SPIN (QUICK=1 for the short form)
#: make peer       Linux's KVM on the emulator, beside Reveille; Linux as a plain guest; out/peer
#:                 (QUICK=1: one kernel and fewer interrupts, as in make check)
#: make linux-guest  Debian's kernel as a guest of Reveille and of KVM, compared; out/linux-guest
#: make qemu-test  the tests in the emulator (ONLY=name for one)
#: make cov        coverage as HTML in out/coverage
#: make clean      removes build/ and out/

# What a fresh machine lacks is installed before anything else.
setup:
	@tools/setup.sh

emulator: setup
	@tools/emulator/build.sh

CFG ?= tests/qemu/configs/demo.cfg

image: setup
	@$(MAKE) --no-print-directory $(B)/reveille.efi
	@tools/reveille-cfg check $(CFG)
	@tools/mkimage.sh $(B)/reveille.img $(B)/reveille.efi $(CFG)
	@echo "$(B)/reveille.img: write it to a USB stick, see docs/hardware.md"

run: emulator
	@$(MAKE) --no-print-directory $(B)/reveille.efi
	@$(PYTHON) tools/run.py --config $(CFG) --interactive

demo: emulator
	@$(MAKE) --no-print-directory $(B)/reveille.efi
	@$(PYTHON) tools/demo.py

demo-linux: emulator
	@$(MAKE) --no-print-directory $(B)/reveille.efi
	@$(PYTHON) tools/demo_linux.py $(if $(NIC),--nic $(NIC)) $(if $(QUICK),--short --out out/check/linux)

cost: emulator
	@$(MAKE) --no-print-directory $(B)/reveille.efi
	@$(MAKE) --no-print-directory B=build/uncounted VARIANT=uncounted build/uncounted/reveille.efi
	@$(PYTHON) tools/report/cost.py

trace: emulator
	@$(MAKE) --no-print-directory $(B)/reveille.efi
	@$(PYTHON) tools/report/trace_run.py $(if $(WRITE),--docs)

# ---- tests ----------------------------------------------------------------------------

# A unit test names its sources on a comment line: "sources: a.c b.c". Each source is compiled once
# for all tests, and once more for those of the simulation, whose locks spin otherwise.
TEST_CFLAGS := -std=gnu11 -g -O1 $(WARN) -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-builtin -fno-strict-aliasing --coverage
TEST_INCLUDES := -Itests/host -Itests/unit -Itools/emulator/model -Ivmm -I.
UNIT_SRC  := $(wildcard tests/sim/*_test.c tests/unit/*_test.c) # the longest first
UNIT_BIN  := $(UNIT_SRC:%.c=$(B)/%)
MODEL_SRC := $(wildcard tests/unit/emulator/*_test.c)
MODEL_BIN := $(MODEL_SRC:%.c=$(B)/%)
MODEL_C   := $(wildcard tools/emulator/model/*.c)

$(B)/tests/object/%.o: %.c Makefile
	@mkdir -p $(@D)
	@rm -f $(@:.o=.gcda)
	@$(CC) $(TEST_CFLAGS) $(TEST_INCLUDES) -MMD -MP -c $< -o $@

$(B)/tests/object-sim/%.o: %.c Makefile
	@mkdir -p $(@D)
	@rm -f $(@:.o=.gcda)
	@$(CC) $(TEST_CFLAGS) -include tests/sim/spin.h $(TEST_INCLUDES) -MMD -MP -c $< -o $@

$(B)/tests/object-emulator/%.o: %.c Makefile
	@mkdir -p $(@D)
	@$(CC) -std=gnu11 -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined \
		-fno-sanitize-recover=all -Itools/emulator/model -MMD -MP -c $< -o $@

sources_of = $(shell sed -n 's,^/\* sources: \(.*\) \*/.*,\1,p' $(1))
define unit_rule
$(B)/$(1:.c=): $(patsubst %.c,$(B)/tests/object$(if $(filter tests/sim/%,$(1)),-sim)/%.o,\
		$(sort $(1) $(wildcard $(call sources_of,$(1))) tests/host/seam.c))
	@mkdir -p $$(@D)
	@echo "  TEST  $(1)"
	@$(CC) $(TEST_CFLAGS) -o $$@ $$^
endef
$(foreach t,$(UNIT_SRC),$(eval $(call unit_rule,$(t))))

$(MODEL_BIN): $(B)/%: $(B)/tests/object-emulator/%.o $(MODEL_C:%.c=$(B)/tests/object-emulator/%.o)
	@mkdir -p $(@D)
	@echo "  TEST  $*"
	@$(CC) -fsanitize=address,undefined -o $@ $^

unit: $(UNIT_BIN) $(MODEL_BIN)
	@tools/run_units.py $(UNIT_BIN) $(MODEL_BIN) tests/unit/reveille_cfg_test.py tests/unit/storm_bench_test.py tools/report/report_test.py tools/report/linux_test.py tools/report/trace_test.py tests/soak/account_test.py tests/soak/linux_test.py tests/peer/peer_test.py

# The emulator against its own tests: VMRUN and #VMEXIT, AVIC, the IOMMU's registers.
emulator-test: emulator
	@tools/emulator/test.sh

SIM_C := $(sort tests/sim/random.c $(wildcard $(call sources_of,tests/sim/random.c)))
$(B)/sim/random: $(SIM_C) $(wildcard tests/sim/*.h tests/host/hw/*.h */*.h vmm/*/*.h)
	@mkdir -p $(@D)
	@echo "  SIM   $@"
	@$(CC) -std=gnu11 -O2 -g -fno-builtin -fno-strict-aliasing -include tests/sim/spin.h \
		-Itests/host -Itests/sim -Itools/emulator/model -Ivmm -I. -o $@ $(SIM_C)

sim: $(B)/sim/random
	@$< $(if $(SEED),seed $(SEED),$(or $(COUNT),1000))

# Two million wake-ups of each mechanism under each fault: about an hour and a half on two CPUs. Then
# half an hour of guest time of Linux; ONLY= names cells alone.
soak: emulator
	@$(MAKE) --no-print-directory $(B)/reveille.efi
	@$(PYTHON) tools/soak.py $(if $(COUNT),--count $(COUNT)) $(if $(ONLY),--only $(ONLY))
	@$(if $(ONLY),,$(PYTHON) tools/soak_linux.py $(if $(MINUTES),--minutes $(MINUTES)))

soak-linux: emulator
	@$(MAKE) --no-print-directory $(B)/reveille.efi
	@$(PYTHON) tools/soak_linux.py $(if $(MINUTES),--minutes $(MINUTES))

conformance: emulator-test
	@$(MAKE) --no-print-directory conformance-table

# From the logs that emulator-test left.
conformance-table: $(MODEL_BIN)
	@$(PYTHON) tests/conformance/generate.py $(if $(WRITE),,--check) $(MODEL_BIN)

model: setup
	@$(PYTHON) tests/model/run.py $(if $(QUICK),--quick)

# The whole: two kernels, Debian's own and the backports'; 10,000 interrupts an arm with the first.
peer: emulator
	@$(MAKE) --no-print-directory $(B)/reveille.efi
	@$(PYTHON) tests/peer/side_by_side.py \
		$(if $(QUICK),--count 300,--kernels release$(comma)backports --count-more 3000)
	@$(PYTHON) tests/peer/plain.py $(if $(QUICK),default)
ifndef QUICK
	@$(PYTHON) tests/peer/plain.py --kernel backports default passthrough-xapic
endif

sched-bench: emulator
	@$(MAKE) --no-print-directory $(B)/reveille.efi
	@$(PYTHON) tools/sched_bench.py $(ONLY)

storm-bench: emulator
	@$(MAKE) --no-print-directory $(B)/reveille.efi
	@$(PYTHON) tools/storm_bench.py $(if $(QUICK),--short)

linux-guest: emulator
	@$(MAKE) --no-print-directory $(B)/reveille.efi
	@$(PYTHON) tests/peer/linux_guest.py $(if $(QUICK),--quick)

qemu-test: emulator
	@$(MAKE) --no-print-directory $(B)/reveille.efi kernels
	@REVEILLE_COVERAGE=out/coverage/bitmaps $(PYTHON) tests/qemu/run.py $(ONLY)

# Objects that never run: gcov's list of all lines that there are to cover.
GCNO_O := $(patsubst %.c,$(B)/gcno/%.o,$(filter-out svm/offsets.c,$(VMM_C)))
$(GCNO_O): $(B)/gcno/%.o: %.c
	@mkdir -p $(@D)
	@echo "  GCNO  $<"
	@$(CC) $(VMM_CFLAGS) -O1 -fno-lto --coverage -MMD -MP -c $< -o $@

cov: $(GCNO_O)
	@tools/coverage.sh $(B)

check: setup
	@tools/check.sh

# ---- lint -----------------------------------------------------------------------------

C_FILES := $(shell git ls-files '*.c' '*.h')
CLANG_C := $(filter-out svm/offsets.c,$(VMM_C)) $(wildcard vmm/survey/*.c)

lint: setup
	@echo "  LINT  clang"
	@for f in $(CLANG_C); do clang $(filter-out -Wenum-conversion -fno-builtin-printf -mpreferred-stack-boundary=3,$(VMM_CFLAGS)) \
		-Wenum-conversion -fsyntax-only $$f || exit 1; done
	@for f in $(TRACED_C); do clang -Ivmm/traced $(filter-out -Wenum-conversion -fno-builtin-printf -mpreferred-stack-boundary=3,$(VMM_CFLAGS)) \
		-Wenum-conversion -fsyntax-only $$f || exit 1; done
	@echo "  LINT  clang-format"
	@clang-format --dry-run -Werror $(C_FILES)
	@echo "  LINT  cppcheck"
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppressions-list=tools/cppcheck.txt --error-exitcode=1 -Ivmm -I. $(VMM_C)
	@echo "  LINT  layers, headers, licences, irq-path, models' labels"
	@$(PYTHON) tools/check_layers.py
	@tools/check_headers.sh
	@$(PYTHON) tools/irq_path.py
	@$(PYTHON) tools/check_model_labels.py

clean:
	rm -rf $(B) out

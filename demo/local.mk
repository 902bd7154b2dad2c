# The demo disk: demo/demo.img, a teaching system of our own. docs/demo.md shows it.
#
# The kernel and the programs are guest code (BIOS_CC, no library); mkdisk runs here and puts them on the disk.

DEMO_BYTES = 1048576
DEMO_H = demo/abi.h demo/kernel/kernel.h demo/kernel/layout.h demo/user/lib.h
DEMO_KERNEL_S = demo/kernel/start.S demo/kernel/entry.S
DEMO_KERNEL_C = demo/kernel/main.c demo/kernel/segments.c demo/kernel/trap.c demo/kernel/timer.c demo/kernel/serial.c \
	demo/kernel/keyboard.c demo/kernel/console.c demo/kernel/frames.c demo/kernel/space.c demo/kernel/disk.c demo/kernel/files.c \
	demo/kernel/process.c demo/kernel/program.c demo/kernel/syscall.c demo/kernel/v8086.c demo/kernel/power.c demo/format.c
DEMO_LIB_C = demo/user/lib.c demo/format.c
DEMO_USER = shell sieve sort nbody mandel race fork pagefaults syscalls selfmod jit fault hlt spin
DEMO_FILES = demo/files/welcome.txt demo/files/kernel.txt
EXTRA_DIST += $(DEMO_H) $(DEMO_KERNEL_S) $(DEMO_KERNEL_C) demo/kernel/kernel.ld demo/boot/boot.S demo/mkdisk.c demo/user/lib.c \
	demo/user/v86.S $(DEMO_USER:%=demo/user/%.c) $(DEMO_FILES)

DEMO_FLAGS = -I$(top_srcdir)/demo -m32 -march=i686 -ffreestanding -fno-pic -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -g -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter -Werror
DEMO_CFLAGS = -std=gnu11 -O2 -fno-strict-aliasing -fwrapv -fno-delete-null-pointer-checks \
	-fno-tree-loop-distribute-patterns $(DEMO_FLAGS)
# The kernel leaves the x87 and SSE registers to the programs.
DEMO_KERNEL_CFLAGS = $(DEMO_CFLAGS) -mgeneral-regs-only

DEMO_KERNEL_O = $(DEMO_KERNEL_S:.S=.ko) $(DEMO_KERNEL_C:.c=.ko)
DEMO_LIB_O = $(DEMO_LIB_C:.c=.uo)
DEMO_USER_O = $(DEMO_USER:%=demo/user/%.uo)
DEMO_USER_BIN = $(DEMO_USER:%=demo/bin/%) demo/bin/v86.com

demo/%.ko: demo/%.c $(DEMO_H)
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(BIOS_CC) $(DEMO_KERNEL_CFLAGS) -c -o $@ $<
demo/%.ko: demo/%.S $(DEMO_H)
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(BIOS_CC) $(DEMO_FLAGS) -c -o $@ $<
demo/%.uo: demo/%.c $(DEMO_H)
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(BIOS_CC) $(DEMO_CFLAGS) -c -o $@ $<
demo/kernel.elf: $(DEMO_KERNEL_O) demo/kernel/kernel.ld
	$(AM_V_CCLD)$(LD) -m elf_i386 -no-warn-rwx-segments -T $(top_srcdir)/demo/kernel/kernel.ld -o $@ $(DEMO_KERNEL_O)
demo/kernel.bin: demo/kernel.elf
	$(AM_V_GEN)$(OBJCOPY) -O binary $< $@
demo/boot.bin: demo/boot/boot.S $(DEMO_H)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(BIOS_CC) $(DEMO_FLAGS) -c -o demo/boot.o $< && \
	  $(LD) -m elf_i386 --oformat binary -Ttext 0x7c00 -e _start -o $@ demo/boot.o
demo/bin/v86.com: demo/user/v86.S
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(BIOS_CC) $(DEMO_FLAGS) -c -o demo/v86.o $< && \
	  $(LD) -m elf_i386 --oformat binary -Ttext 0x100 -e start -o $@ demo/v86.o
# One segment of code that cannot be written, one of data; the names stay in demo/*.elf for gdb.
demo/bin/%: demo/user/%.uo $(DEMO_LIB_O)
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && $(LD) -m elf_i386 -z noseparate-code -z max-page-size=4096 -z noexecstack \
	  -Ttext-segment=0x400000 --build-id=none -e start -o demo/$*.elf $< $(DEMO_LIB_O) && $(OBJCOPY) -S demo/$*.elf $@

demo/mkdisk: demo/mkdisk.c demo/abi.h
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(CC) -O1 -I$(top_srcdir)/demo -o $@ $<
demo/demo.img: demo/mkdisk demo/boot.bin demo/kernel.bin $(DEMO_USER_BIN) $(DEMO_FILES)
	$(AM_V_GEN)demo/mkdisk $@ $(DEMO_BYTES) demo/boot.bin demo/kernel.bin $(DEMO_USER_BIN) $(filter %.txt,$^)

noinst_DATA += demo/demo.img
CLEANFILES += demo/demo.img demo/mkdisk demo/boot.bin demo/boot.o demo/v86.o demo/kernel.bin demo/kernel.elf \
	$(DEMO_KERNEL_O) $(DEMO_LIB_O) $(DEMO_USER_O) $(DEMO_USER_BIN) $(DEMO_USER:%=demo/%.elf)

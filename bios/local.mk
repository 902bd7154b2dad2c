# The firmware: bios/bios.bin (128 KiB, for E0000-FFFFF) and bios/vgabios.bin, both embedded by src/hw/biosrom.S.
#
# Three programs: the 16-bit services (linked at offset 0 of F000), the 32-bit part of POST (at E0000), the VGA BIOS.
# They run on any 386 and know no C library; -m16 and -m32 need the compiler only.

BIOS_INCLUDES = bios/types.h bios/enter.h bios/far.h bios/bios.h bios/layout.h bios/shared.h bios/pcibios.h bios/p32/p32.h \
	bios/vga/vga.h
BIOS16_C = bios/post.c bios/text.c bios/pic.c bios/timer.c bios/i8042.c bios/kbd.c bios/mouse.c bios/int16.c \
	bios/serial.c bios/sercon.c bios/int15.c bios/int1a.c bios/pcibios.c bios/pciint.c bios/apm.c bios/ata.c bios/disk.c bios/cd.c \
	bios/floppy.c bios/boot.c
BIOS16_S = bios/entry.S bios/memory.S bios/bios32.S bios/apm_entry.S
BIOS32_C = bios/p32/main.c bios/p32/fwcfg.c bios/p32/e820.c bios/p32/pci.c bios/p32/rom.c bios/p32/acpi.c bios/p32/smbios.c \
	bios/p32/mptable.c bios/p32/mtrr.c bios/p32/bootorder.c bios/p32/kernel.c
BIOS32_S = bios/p32/start.S
VGABIOS_C = bios/vga/modes.c bios/vga/setmode.c bios/vga/text.c bios/vga/pixel.c bios/vga/palette.c bios/vga/font.c \
	bios/vga/state.c bios/vga/vbe.c bios/vga/int10.c
VGABIOS_S = bios/vga/vga.S bios/memory.S
BIOS_LD = bios/bios16.ld bios/p32/p32.ld bios/vga/vga.ld

EXTRA_DIST += $(BIOS_INCLUDES) $(BIOS16_C) $(BIOS16_S) $(BIOS32_C) $(BIOS32_S) $(VGABIOS_C) bios/vga/vga.S $(BIOS_LD) \
	bios/font.txt bios/mkfont.c bios/romsum.c src/hw/biosrom.h

BIOS16_O = $(BIOS16_C:.c=.o16) $(BIOS16_S:.S=.o16)
BIOS32_O = $(BIOS32_C:.c=.o32) $(BIOS32_S:.S=.o32)
VGABIOS_O = $(VGABIOS_C:.c=.o16) $(VGABIOS_S:.S=.o16)

# GCC 12 loses the named address space when its bswap pass (an expensive optimization) or store merging joins loads.
BIOS_CFLAGS = -I$(top_srcdir) -I. -std=gnu11 -Os -march=i386 -mno-mmx -mno-sse -msoft-float -ffreestanding -fno-pic -fno-pie \
	-fno-builtin -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -fomit-frame-pointer \
	-fno-strict-aliasing -fwrapv -mregparm=3 -mpreferred-stack-boundary=2 -fno-jump-tables -fno-tree-switch-conversion \
	-fno-tree-loop-distribute-patterns -fno-expensive-optimizations -fno-store-merging -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes \
	-Wno-unused-parameter -Wno-unused-function -Wno-array-bounds -Werror -DBIOS_VERSION='"$(PACKAGE_VERSION)"'
BIOS16_CFLAGS = -m16 $(BIOS_CFLAGS) -mstringop-strategy=libcall

bios/%.o16: bios/%.c $(BIOS_INCLUDES)
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(BIOS_CC) $(BIOS16_CFLAGS) -c -o $@ $<
bios/%.o16: bios/%.S $(BIOS_INCLUDES)
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(BIOS_CC) $(BIOS16_CFLAGS) -Wa,-I. -c -o $@ $<
bios/%.o32: bios/%.c $(BIOS_INCLUDES)
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(BIOS_CC) -m32 $(BIOS_CFLAGS) -c -o $@ $<
bios/%.o32: bios/%.S $(BIOS_INCLUDES)
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(BIOS_CC) -m32 $(BIOS_CFLAGS) -c -o $@ $<

# The PCI BIOS serves 32-bit callers too: the same file, as position-independent code beside the 16-bit one.
bios/pcibios32.o16: bios/pcibios.c $(BIOS_INCLUDES)
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(BIOS_CC) -m32 $(BIOS_CFLAGS) -Dpcibios_call=pcibios_call32 -c -o $@ $<

bios/mkfont: bios/mkfont.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(CC) -O1 -o $@ $<
bios/romsum: bios/romsum.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(CC) -O1 -o $@ $<
bios/font8.inc: bios/font.txt bios/mkfont
	$(AM_V_GEN)bios/mkfont 8 $< 128 > $@
bios/fonts.inc: bios/font.txt bios/mkfont
	$(AM_V_GEN)(bios/mkfont 8 $< 256; bios/mkfont 14 $< 256; bios/mkfont 16 $< 256) > $@
bios/entry.o16: bios/font8.inc
bios/vga/vga.o16: bios/fonts.inc

bios/bios16.elf: $(BIOS16_O) bios/pcibios32.o16 bios/bios16.ld
	$(AM_V_CCLD)$(LD) -m elf_i386 -no-warn-rwx-segments -T $(top_srcdir)/bios/bios16.ld -o $@ $(BIOS16_O) bios/pcibios32.o16
bios/p32.elf: $(BIOS32_O) bios/p32/p32.ld
	$(AM_V_CCLD)$(LD) -m elf_i386 -no-warn-rwx-segments -T $(top_srcdir)/bios/p32/p32.ld -o $@ $(BIOS32_O)

bios/bios.bin: bios/bios16.elf bios/p32.elf
	$(AM_V_GEN)objcopy -O binary -j .text --pad-to 0xf0000 bios/p32.elf bios/p32.bin && \
	objcopy -O binary -j .text -j .rom -j .fixed bios/bios16.elf bios/bios16.bin && \
	cat bios/p32.bin bios/bios16.bin > $@
# Moved a bit until no page of it looks empty: see romsum.c.
bios/vgabios.bin: $(VGABIOS_O) bios/vga/vga.ld bios/romsum
	$(AM_V_GEN)for shift in 0 16 32 48 64 80 96 112; do \
	  $(LD) -m elf_i386 -no-warn-rwx-segments --defsym=vga_shift=$$shift -T $(top_srcdir)/bios/vga/vga.ld -o bios/vgabios.elf $(VGABIOS_O) && \
	  objcopy -O binary -j .text bios/vgabios.elf $@ || exit 1; \
	  bios/romsum $@; status=$$?; \
	  test $$status != 0 || exit 0; \
	  rm -f $@; test $$status = 2 || exit 1; \
	done; echo "a page of $@ adds up to 0, however it is moved" >&2; exit 1

CLEANFILES += bios/bios.bin bios/vgabios.bin bios/p32.bin bios/bios16.bin bios/bios16.elf bios/p32.elf bios/vgabios.elf \
	$(BIOS16_O) $(BIOS32_O) $(VGABIOS_O) bios/pcibios32.o16 bios/mkfont bios/romsum bios/font8.inc bios/fonts.inc
noinst_DATA += bios/bios.bin bios/vgabios.bin

libx86vm_a_SOURCES += src/hw/biosrom.S
src/hw/biosrom.$(OBJEXT): bios/bios.bin bios/vgabios.bin

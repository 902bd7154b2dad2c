libx86vm_a_SOURCES += \
	src/hw/acpi.c src/hw/acpi.h src/hw/acpitables.c src/hw/acpitables.h src/hw/dsdt.h \
	src/hw/fwcfg.c src/hw/fwcfg.h src/hw/smbios.c src/hw/smbios.h src/hw/smbus.c src/hw/smbus.h \
	src/hw/apicbus.h src/hw/gsi.c src/hw/gsi.h src/hw/hpet.c src/hw/hpet.h src/hw/i440fx.c src/hw/i440fx.h \
	src/hw/ioapic.c src/hw/ioapic.h src/hw/lapic.c src/hw/lapic.h src/hw/pci.c src/hw/pci.h \
	src/hw/ferr.c src/hw/ferr.h src/hw/pc.c src/hw/pc.h src/hw/piix3.c src/hw/piix3.h
libx86vm_a_SOURCES += \
	src/hw/pic.c src/hw/pit.c src/hw/rtc.c src/hw/dma.c src/hw/port92.c \
	src/hw/serial.c src/hw/parallel.c src/hw/debugport.c src/hw/debugexit.c src/hw/testdev.c \
	src/hw/pic.h src/hw/pit.h src/hw/rtc.h src/hw/dma.h src/hw/port92.h \
	src/hw/input.h src/hw/kbd.c src/hw/kbd.h src/hw/keys.c src/hw/keys.h src/hw/ps2.h src/hw/ps2kbd.c src/hw/ps2mouse.c \
	src/hw/serial.h src/hw/parallel.h src/hw/debugport.h src/hw/debugexit.h src/hw/testdev.h
libx86vm_a_SOURCES += \
	src/hw/display.c src/hw/display.h src/hw/edid.c src/hw/edid.h \
	src/hw/vbe.c src/hw/vbedraw.c src/hw/vga.c src/hw/vga.h src/hw/vgadraw.c src/hw/vgadraw.h src/hw/vgamem.c \
	src/hw/vgapci.c src/hw/vgastate.h src/hw/vgatext.c src/hw/vgatiming.c
libx86vm_a_SOURCES += \
	src/hw/ata.c src/hw/ata_identify.c src/hw/atapi.c src/hw/bmdma.c src/hw/bmdma.h src/hw/ide.c src/hw/ide.h \
	src/hw/ide_drive.h src/hw/mmc.c src/hw/piix_ide.c src/hw/piix_ide.h


EXTRA_DIST += src/hw/dsdt.asl
libx86vm_a_SOURCES += src/hw/kernel.c src/hw/kernel.h
libx86vm_a_SOURCES += \
	src/hw/fdc.c src/hw/fdc.h src/hw/fdc_state.h src/hw/fdc_transfer.c src/hw/floppy.c src/hw/floppy.h

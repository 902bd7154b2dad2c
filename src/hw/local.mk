libx86vm_a_SOURCES += \
	src/hw/pci.c src/hw/pci.h \
	src/hw/display.c src/hw/display.h

libx86vm_a_SOURCES += \
	src/hw/pci.c src/hw/pci.h \
	src/hw/display.c src/hw/display.h
libx86vm_a_SOURCES += \
	src/hw/pic.h src/hw/pit.h src/hw/rtc.h src/hw/dma.h src/hw/port92.h \
	src/hw/input.h src/hw/kbd.h src/hw/ps2.h \
	src/hw/serial.h src/hw/parallel.h src/hw/debugport.h src/hw/debugexit.h

libx86vm_a_SOURCES += src/vcpu.h src/irqline.h src/clock.c src/clock.h src/chardev.h

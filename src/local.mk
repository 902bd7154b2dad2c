libx86vm_a_SOURCES += src/vcpu.h src/irqline.h

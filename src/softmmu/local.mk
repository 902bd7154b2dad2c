libx86vm_a_SOURCES += src/softmmu/ram.c src/softmmu/ram.h src/softmmu/region.c src/softmmu/region.h
libx86vm_a_SOURCES += src/softmmu/watchpoint.h

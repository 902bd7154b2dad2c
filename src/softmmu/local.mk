libx86vm_a_SOURCES += src/softmmu/ram.c src/softmmu/ram.h src/softmmu/region.c src/softmmu/region.h
libx86vm_a_SOURCES += src/softmmu/watchpoint.h src/softmmu/storelog.c src/softmmu/storelog.h
libx86vm_a_SOURCES += \
	src/softmmu/fault.h src/softmmu/fault.c \
	src/softmmu/execfd.h src/softmmu/execfd.c \
	src/softmmu/largepage.h src/softmmu/largepage.c \
	src/softmmu/mem.h src/softmmu/mem.c \
	src/softmmu/mmu.h src/softmmu/mmu.c \
	src/softmmu/tlb.c
libx86vm_a_SOURCES += src/softmmu/pagetable.c src/softmmu/pagetable.h src/softmmu/window.c src/softmmu/window.h src/softmmu/window_state.h \
	src/softmmu/windowmap.c src/softmmu/windowsync.c

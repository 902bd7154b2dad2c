libx86vm_a_SOURCES += \
	src/debug/debugger.c src/debug/debugger.h src/debug/machine.c src/debug/machine.h \
	src/debug/memory.c src/debug/memory.h src/debug/pagewalk.c src/debug/pagewalk.h \
	src/debug/gdbpacket.c src/debug/gdbpacket.h src/debug/gdbregs.c src/debug/gdbregs.h \
	src/debug/gdbstub.c src/debug/gdbstub.h

libx86vm_a_SOURCES += \
	src/debug/cpuprint.c src/debug/cpuprint.h src/debug/debugger.c src/debug/debugger.h src/debug/disasm.c src/debug/disasm.h \
	src/debug/explain.c src/debug/explain.h src/debug/explaindesc.c src/debug/explaindesc.h \
	src/debug/gdbpacket.c src/debug/gdbpacket.h src/debug/gdbregs.c src/debug/gdbregs.h src/debug/gdbstub.c src/debug/gdbstub.h \
	src/debug/machine.c src/debug/machine.h src/debug/memory.c src/debug/memory.h src/debug/moncmd.c src/debug/moncmd.h \
	src/debug/monitor.c src/debug/monitor.h src/debug/monboard.c src/debug/monmem.c src/debug/pagewalk.c src/debug/pagewalk.h \
	src/debug/qmp.c src/debug/qmp.h src/debug/symbols.c src/debug/symbols.h src/debug/trace.c src/debug/trace.h

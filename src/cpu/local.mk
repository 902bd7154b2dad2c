libx86vm_a_SOURCES += \
	src/cpu/alu.c src/cpu/branch.c src/cpu/cond.c src/cpu/handlers.c src/cpu/hostflags.h src/cpu/interp.c \
	src/cpu/mov.c src/cpu/muldiv.c src/cpu/rmw.h src/cpu/shift.c src/cpu/stackops.c src/cpu/string.c
libx86vm_a_SOURCES += src/cpu/control.c src/cpu/cpuid.c src/cpu/debug.c src/cpu/debug.h src/cpu/desc.h src/cpu/eflags.c
libx86vm_a_SOURCES += src/cpu/event.c src/cpu/far.c src/cpu/ioport.c src/cpu/iret.c src/cpu/msr.c src/cpu/newstack.c
libx86vm_a_SOURCES += src/cpu/newstack.h src/cpu/seg.c src/cpu/sysenter.c src/cpu/sysinsn.c src/cpu/task.c src/cpu/task.h
libx86vm_a_SOURCES += src/cpu/vcpu.c src/cpu/plain.h

# x87, MMX, SSE
libx86vm_a_SOURCES += \
	src/cpu/x87.h src/cpu/x87.c src/cpu/x87arith.c src/cpu/x87cmp.c src/cpu/x87load.c src/cpu/simd.h src/cpu/fxsave.c \
	src/cpu/packed.c src/cpu/ssefp.c src/cpu/ssecvt.c src/cpu/ssemove.c src/cpu/sse4.c src/cpu/ssestr.c src/cpu/sseunmask.c
libx86vm_a_SOURCES += src/cpu/cpu.h src/cpu/eflags.h src/cpu/handlers.h src/cpu/stack.h

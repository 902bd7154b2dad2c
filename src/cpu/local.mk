libx86vm_a_SOURCES += \
	src/cpu/alu.c src/cpu/branch.c src/cpu/cond.c src/cpu/handlers.c src/cpu/hostflags.h src/cpu/interp.c \
	src/cpu/mov.c src/cpu/muldiv.c src/cpu/rmw.h src/cpu/shift.c src/cpu/stackops.c src/cpu/string.c

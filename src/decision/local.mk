libx86vm_a_SOURCES += src/decision/birth.c src/decision/codepages.c src/decision/decide.c src/decision/decide.h src/decision/entries.c \
	src/decision/direct.c src/decision/direct.h src/decision/direct_state.h src/decision/directinfo.c \
	src/decision/entries.h src/decision/hostregs.h src/decision/ldt.c src/decision/ldt.h \
	src/decision/maps.c src/decision/native.c src/decision/perch.c src/decision/perch.h src/decision/policy.c src/decision/policy.h \
	src/decision/pool.c src/decision/pool.h src/decision/probe.c src/decision/probe.h \
	src/decision/report.c src/decision/report.h \
	src/decision/sandbox.h src/decision/sandbox_state.h src/decision/space.c src/decision/space.h \
	src/decision/space_state.h src/decision/stops.c src/decision/stops.h \
	src/decision/stub.h src/decision/stubimage.S src/decision/trace.c src/decision/views.c \
	src/decision/views.h

# The sandbox's stub: a static program without a C library, embedded by stubimage.S.
EXTRA_DIST += src/decision/stub.S
STUB_FLAGS = -nostdlib -nostartfiles -static -no-pie -Wl,-Ttext-segment=0x100000000000 -Wl,-z,noseparate-code \
	-Wl,-z,noexecstack -Wl,--build-id=none -Wl,-s
src/decision/stub.elf: src/decision/stub.S src/decision/stub.h
	$(AM_V_CCLD)$(MKDIR_P) $(@D) && $(CC) -I$(top_srcdir)/src $(STUB_FLAGS) -o $@ $(top_srcdir)/src/decision/stub.S
src/decision/stubimage.$(OBJEXT): src/decision/stub.elf
CLEANFILES += src/decision/stub.elf

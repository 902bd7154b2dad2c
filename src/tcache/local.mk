libx86vm_a_SOURCES += \
	src/tcache/address.c src/tcache/chain.c src/tcache/codebuf.c src/tcache/codebuf.h src/tcache/emit.c src/tcache/emit.h \
	src/tcache/internal.h src/tcache/plan.c src/tcache/run.c src/tcache/stats.c src/tcache/stubs.c src/tcache/tcache.h \
	src/tcache/transblock.c src/tcache/translate.c src/tcache/translate.h src/tcache/trbranch.c src/tcache/trinsn.c
libx86vm_a_SOURCES += src/tcache/trfp.c src/tcache/trleave.c src/tcache/x87ptr.c src/tcache/site.c src/tcache/trsys.c src/tcache/listing.c src/tcache/listing.h src/tcache/shadow.c src/tcache/shadow.h src/tcache/fplive.c src/tcache/fplive.h
libx86vm_a_SOURCES += src/tcache/lean.c src/tcache/lean.h src/tcache/mode.h
# It is called with the guest's XMM registers in the host's.
src/tcache/lean.$(OBJEXT): AM_CFLAGS += -mgeneral-regs-only -fno-sanitize=all
libx86vm_a_SOURCES += src/tcache/winform.c src/tcache/winform.h src/tcache/spans.c src/tcache/spans.h

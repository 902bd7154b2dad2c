libx86vm_a_SOURCES += \
	src/frontend/codecopy.h src/frontend/codecopy.c \
	src/frontend/codecache.h src/frontend/codecache.c \
	src/frontend/decode.h src/frontend/decode.c src/frontend/decodecache.h src/frontend/decodecache.c \
	src/frontend/insn.h src/frontend/insn.c \
	src/frontend/insn.def src/frontend/insn-int.def src/frontend/insn-sys.def \
	src/frontend/insn-x87.def src/frontend/insn-mmx.def src/frontend/insn-sse.def \
	src/frontend/sweep.h src/frontend/sweep.c

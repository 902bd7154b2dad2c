libx86vm_a_SOURCES += \
	src/cmdline/accel.def src/cmdline/cmdline.h src/cmdline/options.c src/cmdline/options.def src/cmdline/options.h \
	src/cmdline/optdevice.c src/cmdline/optdisk.c src/cmdline/optline.c src/cmdline/optmachine.c src/cmdline/optrun.c \
	src/cmdline/optscreen.c src/cmdline/props.c src/cmdline/props.h src/cmdline/readconfig.c

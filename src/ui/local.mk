libx86vm_a_SOURCES += \
	src/ui/screendump.c src/ui/screendump.h

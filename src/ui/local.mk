libx86vm_a_SOURCES += \
	src/ui/chrmux.c src/ui/chrmux.h src/ui/chrsocket.c src/ui/chrsocket.h src/ui/chrfile.c src/ui/chrfile.h src/ui/chrterm.c src/ui/chrterm.h \
	src/ui/screendump.c src/ui/screendump.h src/ui/textscreen.c src/ui/textscreen.h

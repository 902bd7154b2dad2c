libx86vm_a_SOURCES += \
	src/ui/chrbatch.c src/ui/chrbatch.h src/ui/chrmux.c src/ui/chrmux.h src/ui/chrsocket.c src/ui/chrsocket.h src/ui/chrfile.c src/ui/chrfile.h src/ui/chrterm.c src/ui/chrterm.h \
	src/ui/screendump.c src/ui/screendump.h src/ui/textscreen.c src/ui/textscreen.h \
	src/ui/screen.c src/ui/screen.h

# Screens: modules that the program loads when they are wanted. They link nothing of it.
SCREEN_MODULE = src/hw/display.c src/hw/display.h src/hw/input.h src/ui/screen.h src/ui/viewer.c src/ui/viewer.h
if SDL
module_PROGRAMS += src/ui/display-sdl.so
endif
if CURSES
module_PROGRAMS += src/ui/display-curses.so
endif
src_ui_display_sdl_so_SOURCES = src/ui/sdlwindow.c src/ui/sdlwindow.h src/ui/sdlkeys.c $(SCREEN_MODULE)
src_ui_display_sdl_so_CPPFLAGS = $(AM_CPPFLAGS) $(SDL_CFLAGS)
src_ui_display_sdl_so_CFLAGS = $(AM_CFLAGS) -fPIC -fvisibility=hidden
src_ui_display_sdl_so_LDFLAGS = $(AM_LDFLAGS) -shared -Wl,-z,defs
src_ui_display_sdl_so_LDADD = $(GLIB_LIBS) $(SDL_LIBS) -lm

src_ui_display_curses_so_SOURCES = src/ui/curses.c src/ui/curseskeys.c src/ui/cursesscreen.h src/ui/textscreen.c \
	src/ui/textscreen.h $(SCREEN_MODULE)
src_ui_display_curses_so_CPPFLAGS = $(AM_CPPFLAGS) $(CURSES_CFLAGS)
src_ui_display_curses_so_CFLAGS = $(AM_CFLAGS) -fPIC -fvisibility=hidden
src_ui_display_curses_so_LDFLAGS = $(AM_LDFLAGS) -shared -Wl,-z,defs
src_ui_display_curses_so_LDADD = $(GLIB_LIBS) $(CURSES_LIBS)

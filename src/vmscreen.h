/*
 * The machine's screen: which display is used, and what its module may ask of the machine.
 */
#pragma once

#include "debug/machine.h"
#include "debug/monitor.h"

typedef struct VmScreen VmScreen;

/*
 * Open what -display asks for or, when it says nothing: a window where there is a window system, else this terminal unless
 * it is taken, else nothing, which a line on stderr tells. NULL without error: no screen. Main loop's thread, lock not held.
 */
VmScreen *vmscreen_new(Machine *m, Monitor *monitor, bool terminal_taken, GError **error);
void vmscreen_free(VmScreen *s);

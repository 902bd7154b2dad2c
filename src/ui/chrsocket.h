/*
 * Sockets, pseudo-terminals and pipes as back ends of a port, the monitor, the gdb stub:
 *
 *     tcp:[HOST]:PORT[,server=on][,wait=off]    telnet:... the same with the telnet protocol, so that keys come singly
 *     unix:PATH[,server=on][,wait=off]          pty    pipe:PATH (PATH.in and PATH.out, or PATH both ways)
 *
 * A server takes one connection at a time; the next may come when it has gone. What is sent while nobody is connected is
 * lost. With wait on (the default for servers, as on QEMU) creation blocks until someone connects.
 */
#pragma once

#include <glib.h>

#include "chardev.h"

typedef struct ChrSocket ChrSocket;

/* Is this a device for chrsocket_new()? */
bool chrsocket_handles(const char *dev);
/*
 * Connect chr to dev; lock is the machine lock, taken around calls into the device. serve: a server without wait, whatever
 * dev's options (gdb stub). NULL and error when it can't be. The line is usable at once: set chr's front end first, it is told of
 * connections by opened().
 */
ChrSocket *chrsocket_new(Chardev *chr, const char *dev, bool serve, GMutex *lock, GError **error);
void chrsocket_free(ChrSocket *s);

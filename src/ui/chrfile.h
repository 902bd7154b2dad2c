/*
 * A file as the back end of a serial or parallel port: output only.
 */
#pragma once

#include <glib.h>

#include "chardev.h"

typedef struct ChrFile ChrFile;

/*
 * Connect chr to path, which is created, or truncated unless append. lock is the machine lock. NULL and error when it cannot
 * be opened.
 */
ChrFile *chrfile_new(Chardev *chr, const char *path, bool append, GMutex *lock, GError **error);
void chrfile_free(ChrFile *f);

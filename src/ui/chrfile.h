/*
 * A file as the back end of a serial or parallel port: output only.
 */
#pragma once

#include <glib.h>

#include "chardev.h"

typedef struct ChrFile ChrFile;

/* Connect chr to path, which is created or truncated. NULL and error when it cannot be opened. */
/* lock is the machine lock. */
ChrFile *chrfile_new(Chardev *chr, const char *path, GMutex *lock, GError **error);
void chrfile_free(ChrFile *f);

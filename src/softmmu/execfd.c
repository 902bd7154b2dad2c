/* Memory files whose pages may be executed. See execfd.h. */
#include "config.h"
#include "softmmu/execfd.h"

#include <errno.h>
#include <sys/mman.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

int execfd_new(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_EXEC);

    if (fd < 0 && errno != EMFILE && errno != ENFILE) /* an older kernel, or one that forbids it: a page map will tell */
        fd = memfd_create(name, MFD_CLOEXEC);
    return fd;
}

/*
 * Making and freeing configurations.
 */
#include "vmconfig.h"

#define RAM_DEFAULT (128u << 20) /* as QEMU's */

void drive_config_free(DriveConfig *d)
{
    if (!d)
        return;
    g_free(d->file);
    g_free(d->format);
    g_free(d->id);
    g_free(d);
}

void chardev_config_free(ChardevConfig *c)
{
    if (!c)
        return;
    g_free(c->id);
    g_free(c->dev);
    g_free(c);
}

void debugcon_config_free(DebugconConfig *d)
{
    if (!d)
        return;
    g_free(d->dev);
    g_free(d);
}

VmConfig *vm_config_new(void)
{
    VmConfig *c = g_new0(VmConfig, 1);
    c->drives = g_ptr_array_new_with_free_func((GDestroyNotify)drive_config_free);
    c->chardevs = g_ptr_array_new_with_free_func((GDestroyNotify)chardev_config_free);
    c->serials = g_ptr_array_new_with_free_func(g_free);
    c->parallels = g_ptr_array_new_with_free_func(g_free);
    c->debugcons = g_ptr_array_new_with_free_func((GDestroyNotify)debugcon_config_free);
    c->ram_bytes = RAM_DEFAULT;
    return c;
}

void vm_config_free(VmConfig *c)
{
    if (!c)
        return;
    g_ptr_array_unref(c->drives);
    g_ptr_array_unref(c->chardevs);
    g_ptr_array_unref(c->serials);
    g_ptr_array_unref(c->parallels);
    g_ptr_array_unref(c->debugcons);
    char *strings[] = {c->boot_order, c->boot_once, c->kernel, c->initrd, c->append, c->bios, c->cpu, c->vga, c->display,
                       c->monitor, c->qmp, c->gdb, c->trace, c->trace_file, c->trace_filter, c->symbols,
                       c->triple_fault, c->accel, c->direct, c->window, c->rtc_base, c->name, c->pidfile};
    for (unsigned n = 0; n < G_N_ELEMENTS(strings); n++)
        g_free(strings[n]);
    g_free(c);
}

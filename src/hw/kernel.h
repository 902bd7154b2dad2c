/*
 * -kernel: a Linux or Multiboot kernel, taken apart and laid out, handed to the BIOS through fw_cfg.
 *
 * The keys and what they mean are QEMU's, so SeaBIOS with QEMU's option ROMs can boot them as well as our own BIOS.
 */
#pragma once

#include "hw/fwcfg.h"

typedef struct KernelFiles {
    const char *kernel;  /* path */
    const char *initrd;  /* path; for Multiboot: modules "file args,file args"; or NULL */
    const char *cmdline; /* or NULL */
} KernelFiles;

/*
 * Read the files and fill in fw_cfg. ram_below_4g: bytes of RAM from address 0. False and error (what, where, what to
 * do) when a file cannot be read, is no kernel, or does not fit.
 */
bool kernel_load(FwCfg *f, uint64_t ram_below_4g, const KernelFiles *files, GError **error);

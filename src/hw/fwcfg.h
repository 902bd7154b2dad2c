/*
 * The firmware configuration device that QEMU made up: how the machine tells its BIOS what it is made of.
 *
 * Items have 16-bit keys; named files lie at keys from 0x20 in a directory of their own (key 0x19). The BIOS reads
 * byte-wise at port 511h or by DMA. All values are little-endian.
 */
#pragma once

#include "softmmu/region.h"

typedef struct FwCfg FwCfg;

enum {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_CPUS = 0x05,
    FW_CFG_MACHINE_ID = 0x06,
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_KERNEL_CMDLINE = 0x09,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_DEVICE = 0x0c,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
    FW_CFG_ACPI_TABLES = 0x8000,
    FW_CFG_SMBIOS = 0x8001,
    FW_CFG_IRQ0_OVERRIDE = 0x8002,
    FW_CFG_HPET = 0x8004,
};

#define FW_CFG_NAME_MAX 55

/* Ports 510h to 51bh on io; DMA goes to mem. The signature, the id and the empty directory are there. */
FwCfg *fwcfg_new(Bus *io, Bus *mem);
/* Forget the selection. Items stay. */
void fwcfg_reset(FwCfg *f);
void fwcfg_free(FwCfg *f);

/* Set an item, or set it anew: len bytes (copied), or a number of 2, 4 or 8 bytes. */
void fwcfg_set(FwCfg *f, uint16_t key, const void *bytes, size_t len);
void fwcfg_set16(FwCfg *f, uint16_t key, uint16_t value);
void fwcfg_set32(FwCfg *f, uint16_t key, uint32_t value);
void fwcfg_set64(FwCfg *f, uint16_t key, uint64_t value);
/* The same without a copy, for kernels: the device holds a reference. */
void fwcfg_set_shared(FwCfg *f, uint16_t key, GBytes *bytes);
/*
 * The same from a file on the host, read whenever the guest reads it: a large initrd needn't be held. The device owns
 * fd (a regular file). Should the file have become shorter by then, the guest sees zeros.
 */
void fwcfg_set_fd(FwCfg *f, uint16_t key, int fd, uint64_t size);
/* Set a named file (copied). The name has at most FW_CFG_NAME_MAX characters. */
void fwcfg_set_file(FwCfg *f, const char *name, const void *bytes, size_t len);

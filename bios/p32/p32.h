/* The 32-bit part of POST: flat, ring 0, interrupts off, data in its own shadow (E0000), written only during POST. */
#ifndef BIOS_P32_H
#define BIOS_P32_H

#include "bios/shared.h"
#include "bios/types.h"

#define SHARED ((Shared *)(BIOS_LINEAR + SHARED_OFFSET))

void *memcpy(void *dst, const void *src, unsigned long n);
void *memset(void *dst, int value, unsigned long n);
int memcmp(const void *a, const void *b, unsigned long n);
u32 text_length(const char *s);
bool text_equal(const char *a, const char *b);
bool text_starts(const char *s, const char *prefix);
const char *text_find(const char *s, const char *part);
u8 checksum(const void *data, u32 bytes);
/* False on a CPU without CPUID. */
bool cpuid(u32 leaf, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);
/* Debug port 402h. */
void debug(const char *text);
void debug_hex(const char *text, u32 value);

/* alloc.c: memory that outlives POST. Zones as the ACPI loader names them. Returns 0 when there is no room. */
enum { ZONE_HIGH = 1, ZONE_FSEG = 2 };
u32 alloc_zone(u32 bytes, u32 align, int zone);
u32 alloc_pool(u32 bytes);      /* F0000-FFFFF, 16-byte aligned */

/* e820.c */
void e820_find_ram(void);
void e820_build(void);
u32 high_alloc_bottom(void);

/* fwcfg.c */
typedef struct FwFile {
    u32 size;
    u16 select;
    char name[56];
} FwFile;
bool fwcfg_init(void);
void fwcfg_read(u16 select, void *buffer, u32 bytes);
u32 fwcfg_read32(u16 select);
bool fwcfg_find(const char *name, FwFile *out);
bool fwcfg_find_prefix(const char *prefix, u32 nth, FwFile *out);
bool fwcfg_write(u16 select, u32 offset, const void *data, u32 bytes);

/* the parts of POST, in order */
void pci_init(void);
void rom_shadow_open(void);
void rom_init(void);
void rom_shadow_lock(bool lock);
void acpi_init(void);
void smbios_init(void);
void mptable_init(void);
void mtrr_init(void);
void pir_init(void);
void bootorder_init(void);
u32 kernel_load_linux(void);
u32 kernel_boot_multiboot(void);
void kernel_find(void);

#define PCI_MAX_DEVICES 64
typedef struct PciDevice {
    u16 bdf;
    u16 vendor, device, class;
    u8 pin, line;
    u32 rom;                    /* address of the expansion ROM's window, 0 without one */
} PciDevice;
extern PciDevice pci_devices[PCI_MAX_DEVICES];
extern u32 pci_count;

#endif

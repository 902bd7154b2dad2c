/*
 * SMBIOS structures (DMTF DSP0134 2.8), chapter 7. Each is a header, fixed fields, then its strings: fields name
 * them by number from 1.
 */
#include "hw/smbios.h"

#include <string.h>

#define VERSION_MAJOR 2
#define VERSION_MINOR 8
#define ANCHOR_SIZE 31
#define HANDLE_NONE 0xfffe
#define HANDLE_MEMORY 0x1000

typedef struct Structures {
    GByteArray *bytes;
    unsigned count, largest, start;
} Structures;

static void put(Structures *s, uint64_t value, unsigned size)
{
    value = GUINT64_TO_LE(value);
    g_byte_array_append(s->bytes, (const uint8_t *)&value, size);
}

static void begin(Structures *s, uint8_t type, uint8_t length, uint16_t handle)
{
    s->start = s->bytes->len;
    put(s, type, 1);
    put(s, length, 1);
    put(s, handle, 2);
}

/* The strings, up to a NULL; then the empty one that ends them (two zeros if there are none). */
static void end(Structures *s, const char *const *strings)
{
    g_assert(s->bytes->len - s->start == s->bytes->data[s->start + 1]);
    bool any = strings && *strings;
    for (; strings && *strings; strings++)
        g_byte_array_append(s->bytes, (const uint8_t *)*strings, strlen(*strings) + 1);
    put(s, 0, any ? 1 : 2);
    s->largest = MAX(s->largest, s->bytes->len - s->start);
    s->count++;
}

/* 7.2 */
static void put_system(Structures *s, const uint8_t *uuid)
{
    static const char *const strings[] = { "x86vm", "Standard PC (i440FX + PIIX, 1996)", "1.0", NULL };
    begin(s, 1, 27, 0x100);
    put(s, 1, 1); /* manufacturer, product, version; no serial number */
    put(s, 2, 1);
    put(s, 3, 1);
    put(s, 0, 1);
    /* 7.2.1: the first three fields are little-endian; zeros mean that there is none */
    static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
    for (unsigned i = 0; i < sizeof order; i++)
        put(s, uuid[order[i]], 1);
    put(s, 6, 1); /* woken by the power switch */
    put(s, 0, 2); /* no SKU, no family */
    end(s, strings);
}

/* 7.4 */
static void put_chassis(Structures *s)
{
    static const char *const strings[] = { "x86vm", "1.0", NULL };
    begin(s, 3, 22, 0x300);
    put(s, 1, 1);
    put(s, 1, 1); /* type: other */
    put(s, 2, 1);
    put(s, 0, 2); /* no serial number, no asset tag */
    put(s, 3, 1); /* boot-up, power supply, thermal state: safe */
    put(s, 3, 1);
    put(s, 3, 1);
    put(s, 2, 1); /* security: unknown */
    put(s, 0, 4);
    put(s, 0, 5); /* height, power cords, elements, SKU: not given */
    end(s, strings);
}

/* 7.5 */
static void put_processor(Structures *s)
{
    static const char *const strings[] = { "CPU 0", "x86vm", "1.0", NULL };
    begin(s, 4, 42, 0x400);
    put(s, 1, 1); /* socket */
    put(s, 3, 1); /* a central processor */
    put(s, 1, 1); /* family: other */
    put(s, 2, 1);
    put(s, 0, 8); /* CPUID tells */
    put(s, 3, 1);
    put(s, 0, 1); /* voltage, clocks: unknown */
    put(s, 0, 6);
    put(s, 0x41, 1); /* populated, enabled */
    put(s, 1, 1);    /* socket type: other */
    put(s, 0xffff, 2); /* caches: not given */
    put(s, 0xffff, 2);
    put(s, 0xffff, 2);
    put(s, 0, 3);
    put(s, 1, 1); /* cores, enabled, threads */
    put(s, 1, 1);
    put(s, 1, 1);
    put(s, 2, 2); /* characteristics: unknown */
    put(s, 1, 2);
    end(s, strings);
}

/* 7.17, 7.18, 7.20: one board of memory, its one module, where it lies */
static void put_memory(Structures *s, uint64_t ram_size)
{
    static const char *const module[] = { "DIMM 0", NULL };
    begin(s, 16, 15, HANDLE_MEMORY);
    put(s, 3, 1); /* on the system board */
    put(s, 3, 1); /* system memory */
    put(s, 3, 1); /* no error correction */
    put(s, ram_size >> 10, 4);
    put(s, HANDLE_NONE, 2);
    put(s, 1, 2);
    end(s, NULL);

    begin(s, 17, 28, 0x1100);
    put(s, HANDLE_MEMORY, 2);
    put(s, HANDLE_NONE, 2);
    put(s, 0xffff, 2); /* widths: unknown */
    put(s, 0xffff, 2);
    put(s, ram_size >> 20, 2); /* MiB */
    put(s, 9, 1); /* a DIMM */
    put(s, 0, 1);
    put(s, 1, 1);
    put(s, 0, 1);
    put(s, 7, 1); /* RAM */
    put(s, 2, 2);
    put(s, 0, 2);
    put(s, 0, 5); /* makers, numbers, rank: not given */
    end(s, module);

    begin(s, 19, 15, 0x1300);
    put(s, 0, 4);
    put(s, (ram_size >> 10) - 1, 4);
    put(s, HANDLE_MEMORY, 2);
    put(s, 1, 1);
    end(s, NULL);
}

/* 5.2.1: checksums and the address are the BIOS's to fill in. */
static void anchor_build(const Structures *s, uint8_t anchor[ANCHOR_SIZE])
{
    memset(anchor, 0, ANCHOR_SIZE);
    memcpy(anchor, "_SM_", 4);
    anchor[5] = ANCHOR_SIZE;
    anchor[6] = VERSION_MAJOR;
    anchor[7] = VERSION_MINOR;
    anchor[8] = (uint8_t)s->largest;
    anchor[9] = (uint8_t)(s->largest >> 8);
    memcpy(anchor + 16, "_DMI_", 5);
    anchor[22] = (uint8_t)s->bytes->len;
    anchor[23] = (uint8_t)(s->bytes->len >> 8);
    anchor[28] = (uint8_t)s->count;
    anchor[29] = (uint8_t)(s->count >> 8);
    anchor[30] = VERSION_MAJOR << 4 | VERSION_MINOR;
}

void smbios_install(FwCfg *fwcfg, uint64_t ram_size, const uint8_t *uuid)
{
    Structures s = { .bytes = g_byte_array_new() };
    uint8_t anchor[ANCHOR_SIZE];
    put_system(&s, uuid);
    put_chassis(&s);
    put_processor(&s);
    put_memory(&s, ram_size);
    begin(&s, 32, 11, 0x2000); /* 7.33: booted without error */
    put(&s, 0, 7);
    end(&s, NULL);
    begin(&s, 127, 4, 0x7f00);
    end(&s, NULL);
    anchor_build(&s, anchor);
    fwcfg_set_file(fwcfg, "etc/smbios/smbios-anchor", anchor, sizeof anchor);
    fwcfg_set_file(fwcfg, "etc/smbios/smbios-tables", s.bytes->data, s.bytes->len);
    g_byte_array_free(s.bytes, TRUE);
}

/*
 * The ACPI tables.
 *
 * All tables but the RSDP are one blob, with offsets into it where addresses will be. The loader script (QEMU's
 * BIOS linker and loader protocol: 128-byte commands) has the BIOS allocate the blobs, add their addresses to those
 * offsets, and compute the checksums. Section numbers are the ACPI specification's, 3.0.
 *
 * Parts: bytes, the script, one function per table, installation.
 */
#include "config.h" /* memmem */
#include "hw/acpitables.h"

#include "hw/acpi.h"
#include "hw/dsdt.h"
#include "hw/hpet.h"
#include "hw/ioapic.h"
#include "hw/lapic.h"

#include <string.h>

#define TABLES_FILE "etc/acpi/tables"
#define RSDP_FILE "etc/acpi/rsdp"
#define LOADER_FILE "etc/table-loader"

#define TABLE_ALIGN 16
#define HEADER_LENGTH 4
#define HEADER_CHECKSUM 9

typedef struct Tables {
    GByteArray *blob, *rsdp, *script;
    GArray *listed; /* offsets of the tables that the RSDT lists */
} Tables;

/* Bytes */

static void put(GByteArray *a, uint64_t value, unsigned size)
{
    value = GUINT64_TO_LE(value);
    g_byte_array_append(a, (const uint8_t *)&value, size);
}

static void put_zeros(GByteArray *a, unsigned count)
{
    while (count--)
        put(a, 0, 1);
}

static void put_text(GByteArray *a, const char *text, unsigned size)
{
    g_byte_array_append(a, (const uint8_t *)text, size);
}

/* The script */

enum { COMMAND_ALLOCATE = 1, COMMAND_ADD_POINTER = 2, COMMAND_ADD_CHECKSUM = 3 };
enum { ZONE_HIGH = 1, ZONE_FSEG = 2 };

#define COMMAND_SIZE 128
#define FILE_NAME_SIZE 56

static void put_file(GByteArray *s, const char *name)
{
    put_text(s, name, strlen(name));
    put_zeros(s, FILE_NAME_SIZE - strlen(name));
}

static void script_end(GByteArray *s)
{
    put_zeros(s, (COMMAND_SIZE - s->len % COMMAND_SIZE) % COMMAND_SIZE);
}

static void script_allocate(Tables *t, const char *file, uint32_t align, uint8_t zone)
{
    put(t->script, COMMAND_ALLOCATE, 4);
    put_file(t->script, file);
    put(t->script, align, 4);
    put(t->script, zone, 1);
    script_end(t->script);
}

/* At offset in file, four bytes hold an offset in the tables' blob: make it an address. */
static void script_pointer(Tables *t, const char *file, uint32_t offset)
{
    put(t->script, COMMAND_ADD_POINTER, 4);
    put_file(t->script, file);
    put_file(t->script, TABLES_FILE);
    put(t->script, offset, 4);
    put(t->script, 4, 1);
    script_end(t->script);
}

static void script_checksum(Tables *t, const char *file, uint32_t at, uint32_t start, uint32_t length)
{
    put(t->script, COMMAND_ADD_CHECKSUM, 4);
    put_file(t->script, file);
    put(t->script, at, 4);
    put(t->script, start, 4);
    put(t->script, length, 4);
    script_end(t->script);
}

/* Tables */

/* 5.2.6: the header that all of them share. Returns the table's offset, for table_end(). */
static uint32_t table_begin(Tables *t, const char *signature, uint8_t revision)
{
    put_zeros(t->blob, -t->blob->len & (TABLE_ALIGN - 1));
    uint32_t start = t->blob->len;
    put_text(t->blob, signature, 4);
    put(t->blob, 0, 4); /* length */
    put(t->blob, revision, 1);
    put(t->blob, 0, 1); /* checksum */
    put_text(t->blob, "X86VM ", 6);
    put_text(t->blob, "X86VMPC ", 8);
    put(t->blob, 1, 4);
    put_text(t->blob, "X86V", 4);
    put(t->blob, 1, 4);
    return start;
}

static void table_end(Tables *t, uint32_t start)
{
    uint32_t length = GUINT32_TO_LE(t->blob->len - start);
    memcpy(t->blob->data + start + HEADER_LENGTH, &length, 4);
    script_checksum(t, TABLES_FILE, start + HEADER_CHECKSUM, start, t->blob->len - start);
}

static void table_list(Tables *t, uint32_t start)
{
    g_array_append_val(t->listed, start);
}

/* 5.2.10. First in the blob: it wants 64-byte alignment. */
static uint32_t build_facs(Tables *t)
{
    uint32_t start = t->blob->len;
    put_text(t->blob, "FACS", 4);
    put(t->blob, 64, 4);
    put_zeros(t->blob, 56);
    return start;
}

/* 20.2.5.1: DefName of an integer, as iasl writes those of dsdt.asl that are to be filled in. */
static void dsdt_fill(uint8_t *dsdt, const char *name, uint32_t value)
{
    enum { AML_NAME = 0x08, AML_DWORD = 0x0c };
    uint8_t pattern[6] = { AML_NAME, 0, 0, 0, 0, AML_DWORD };
    memcpy(pattern + 1, name, 4);
    uint8_t *at = memmem(dsdt, sizeof dsdt_aml, pattern, sizeof pattern);
    g_assert(at);
    value = GUINT32_TO_LE(value);
    memcpy(at + sizeof pattern, &value, 4);
}

static uint32_t build_dsdt(Tables *t, const AcpiTablesConfig *config)
{
    uint32_t start = t->blob->len;
    g_byte_array_append(t->blob, dsdt_aml, sizeof dsdt_aml);
    uint8_t *dsdt = t->blob->data + start;
    dsdt_fill(dsdt, "MEMB", config->pci_window);
    dsdt_fill(dsdt, "HPEN", config->hpet);
    dsdt_fill(dsdt, "COMS", config->serials);
    dsdt_fill(dsdt, "LPTS", config->parallels);
    dsdt_fill(dsdt, "FDCN", config->floppies);
    dsdt[HEADER_CHECKSUM] = 0;
    script_checksum(t, TABLES_FILE, start + HEADER_CHECKSUM, start, sizeof dsdt_aml);
    return start;
}

/* 5.2.3.1: a generic address */
static void put_address(GByteArray *b, uint8_t space, uint8_t bits, uint64_t address)
{
    put(b, space, 1);
    put(b, bits, 1);
    put(b, 0, 1); /* bit offset */
    put(b, 0, 1); /* access size */
    put(b, address, 8);
}

enum { SPACE_MEMORY = 0, SPACE_IO = 1 };

/* 5.2.9.3: fixed feature flags, fixed boot flags */
#define FADT_WBINVD (1u << 0)
#define FADT_PROC_C1 (1u << 2)
#define FADT_SLEEP_BUTTON (1u << 5) /* set: there is none in the fixed registers; the power button is */
#define FADT_RTC_S4 (1u << 7)
#define FADT_RESET_REG (1u << 10)
#define FADT_PLATFORM_CLOCK (1u << 15)
#define FADT_BOOT_LEGACY 1u
#define FADT_BOOT_8042 2u

#define RESET_PORT 0xcf9
#define RESET_VALUE 0x06

static void build_fadt(Tables *t, uint32_t facs, uint32_t dsdt)
{
    GByteArray *b = t->blob;
    uint32_t start = table_begin(t, "FACP", 3);
    table_list(t, start);
    script_pointer(t, TABLES_FILE, b->len);
    put(b, facs, 4);
    script_pointer(t, TABLES_FILE, b->len);
    put(b, dsdt, 4);
    put(b, 0, 1); /* reserved: was interrupt model */
    put(b, 0, 1); /* profile: unspecified */
    put(b, ACPI_SCI_IRQ, 2);
    put(b, ACPI_SMI_COMMAND, 4);
    put(b, ACPI_ENABLE_COMMAND, 1);
    put(b, ACPI_DISABLE_COMMAND, 1);
    put(b, 0, 1); /* no S4BIOS */
    put(b, 0, 1); /* no P-state control */
    put(b, ACPI_PM_BASE + ACPI_PM1_STATUS, 4);
    put(b, 0, 4);
    put(b, ACPI_PM_BASE + ACPI_PM1_CONTROL, 4);
    put(b, 0, 4);
    put(b, 0, 4); /* PM2 */
    put(b, ACPI_PM_BASE + ACPI_PM_TIMER, 4);
    put(b, ACPI_PM_BASE + ACPI_GPE0, 4);
    put(b, 0, 4);
    put(b, 4, 1); /* lengths: PM1 event, PM1 control, PM2, timer, GPE0, GPE1, GPE1 base */
    put(b, 2, 1);
    put(b, 0, 1);
    put(b, 4, 1);
    put(b, 4, 1);
    put(b, 0, 1);
    put(b, 0, 1);
    put(b, 0, 1);     /* no _CST */
    put(b, 0xfff, 2); /* C2 and C3 are not there */
    put(b, 0xfff, 2);
    put(b, 0, 4); /* cache flushing: WBINVD works */
    put(b, 0, 2); /* no duty cycle */
    put(b, 0, 2); /* no RTC day and month alarms */
    put(b, 0x32, 1); /* CMOS century */
    put(b, FADT_BOOT_LEGACY | FADT_BOOT_8042, 2);
    put(b, 0, 1);
    put(b, FADT_WBINVD | FADT_PROC_C1 | FADT_SLEEP_BUTTON | FADT_RTC_S4 | FADT_RESET_REG | FADT_PLATFORM_CLOCK, 4);
    put_address(b, SPACE_IO, 8, RESET_PORT);
    put(b, RESET_VALUE, 1);
    put_zeros(b, 3);
    put_zeros(b, 16 + 8 * 12); /* 64-bit forms: 0 says that the 32-bit ones above hold */
    table_end(t, start);
}

/* 5.2.11 */
static void build_madt(Tables *t)
{
    static const struct {
        uint8_t source, gsi, flags;
    } overrides[] = {
        { 0, 2, 0 },                                              /* the timer is on pin 2 */
        { 5, 5, 0xd }, { 9, 9, 0xd }, { 10, 10, 0xd }, { 11, 11, 0xd }, /* PCI and SCI: level, active high */
    };
    GByteArray *b = t->blob;
    uint32_t start = table_begin(t, "APIC", 1);
    table_list(t, start);
    put(b, LAPIC_BASE, 4);
    put(b, 1, 4); /* PC/AT compatible: two 8259 too */
    put(b, 0, 1); /* a processor and its local APIC */
    put(b, 8, 1);
    put(b, 0, 1); /* processor number, APIC id */
    put(b, 0, 1);
    put(b, 1, 4); /* enabled */
    put(b, 1, 1); /* the I/O APIC */
    put(b, 12, 1);
    put(b, 0, 1);
    put(b, 0, 1);
    put(b, IOAPIC_BASE, 4);
    put(b, 0, 4);
    for (unsigned i = 0; i < G_N_ELEMENTS(overrides); i++) {
        put(b, 2, 1);
        put(b, 10, 1);
        put(b, 0, 1); /* ISA */
        put(b, overrides[i].source, 1);
        put(b, overrides[i].gsi, 4);
        put(b, overrides[i].flags, 2);
    }
    put(b, 4, 1); /* NMI at LINT1 of all */
    put(b, 6, 1);
    put(b, 0xff, 1);
    put(b, 0, 2);
    put(b, 1, 1);
    table_end(t, start);
}

/* IA-PC HPET specification 1.0a, 3.2.4 */
static void build_hpet(Tables *t)
{
    uint32_t start = table_begin(t, "HPET", 1);
    table_list(t, start);
    put(t->blob, HPET_ID, 4);
    put_address(t->blob, SPACE_MEMORY, 0, HPET_BASE);
    put(t->blob, 0, 1); /* sequence number */
    put(t->blob, 0, 2); /* shortest periodic tick: not known */
    put(t->blob, 0, 1); /* page protection */
    table_end(t, start);
}

/* Microsoft's Windows ACPI Emulated devices Table: the PM timer is good, so read it once. */
static void build_waet(Tables *t)
{
    uint32_t start = table_begin(t, "WAET", 1);
    table_list(t, start);
    put(t->blob, 2, 4);
    table_end(t, start);
}

/* 5.2.7 */
static uint32_t build_rsdt(Tables *t)
{
    uint32_t start = table_begin(t, "RSDT", 1);
    for (guint i = 0; i < t->listed->len; i++) {
        script_pointer(t, TABLES_FILE, t->blob->len);
        put(t->blob, g_array_index(t->listed, uint32_t, i), 4);
    }
    table_end(t, start);
    return start;
}

/* 5.2.5.3: the one of ACPI 1.0, 20 bytes */
static void build_rsdp(Tables *t, uint32_t rsdt)
{
    put_text(t->rsdp, "RSD PTR ", 8);
    put(t->rsdp, 0, 1);
    put_text(t->rsdp, "X86VM ", 6);
    put(t->rsdp, 0, 1);
    script_pointer(t, RSDP_FILE, t->rsdp->len);
    put(t->rsdp, rsdt, 4);
    script_checksum(t, RSDP_FILE, 8, 0, 20);
}

void acpitables_install(FwCfg *fwcfg, const AcpiTablesConfig *config)
{
    Tables t = {
        .blob = g_byte_array_new(),
        .rsdp = g_byte_array_new(),
        .script = g_byte_array_new(),
        .listed = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
    };
    script_allocate(&t, RSDP_FILE, 16, ZONE_FSEG);
    script_allocate(&t, TABLES_FILE, 64, ZONE_HIGH);
    uint32_t facs = build_facs(&t);
    uint32_t dsdt = build_dsdt(&t, config);
    build_fadt(&t, facs, dsdt);
    if (config->apic)
        build_madt(&t);
    if (config->hpet)
        build_hpet(&t);
    build_waet(&t);
    build_rsdp(&t, build_rsdt(&t));
    fwcfg_set_file(fwcfg, TABLES_FILE, t.blob->data, t.blob->len);
    fwcfg_set_file(fwcfg, RSDP_FILE, t.rsdp->data, t.rsdp->len);
    fwcfg_set_file(fwcfg, LOADER_FILE, t.script->data, t.script->len);
    g_byte_array_free(t.blob, TRUE);
    g_byte_array_free(t.rsdp, TRUE);
    g_byte_array_free(t.script, TRUE);
    g_array_free(t.listed, TRUE);
}

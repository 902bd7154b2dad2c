/* fw_cfg by port and by DMA; and the ACPI tables that it delivers, loaded as a BIOS loads them. */
#include "config.h" /* memmem */
#include "hw/acpitables.h"
#include "hw/fwcfg.h"
#include "hw/smbios.h"
#include "hwtest.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static void fw_read(HwTest *t, uint16_t key, void *buf, size_t len)
{
    uint8_t *p = buf;
    hw_outw(t, 0x510, key);
    while (len--)
        *p++ = hw_inb(t, 0x511);
}

typedef struct DirEntry {
    uint32_t size;
    uint16_t key, reserved;
    char name[56];
} DirEntry;

/* A file by name, as a BIOS finds it: searches the directory. */
static uint8_t *fw_file(HwTest *t, const char *name, uint32_t *size)
{
    uint32_t count;
    fw_read(t, 0x19, &count, 4);
    for (uint32_t i = GUINT32_FROM_BE(count); i > 0; i--) {
        DirEntry entry;
        for (unsigned n = 0; n < sizeof entry; n++)
            ((uint8_t *)&entry)[n] = hw_inb(t, 0x511);
        if (strcmp(entry.name, name) == 0) {
            *size = GUINT32_FROM_BE(entry.size);
            uint8_t *bytes = g_malloc(*size);
            fw_read(t, GUINT16_FROM_BE(entry.key), bytes, *size);
            return bytes;
        }
    }
    return NULL;
}

static void test_ports(HwTest *t)
{
    FwCfg *f = fwcfg_new(t->io, t->mem);
    char signature[8];
    uint32_t id, count;
    fw_read(t, 0, signature, 8);
    g_assert_cmpmem(signature, 8, "QEMU\0\0\0", 8); /* zeros after the end */
    fw_read(t, 1, &id, 4);
    g_assert_cmphex(id, ==, 3);
    fw_read(t, 0x19, &count, 4);
    g_assert_cmphex(count, ==, 0);
    fwcfg_set16(f, FW_CFG_CPUS, 0x0102);
    fwcfg_set64(f, FW_CFG_RAM_SIZE, 0x1122334455667788);
    uint64_t ram;
    fw_read(t, FW_CFG_RAM_SIZE, &ram, 8);
    g_assert_cmphex(ram, ==, 0x1122334455667788);
    uint16_t cpus;
    fw_read(t, FW_CFG_CPUS, &cpus, 2);
    g_assert_cmphex(cpus, ==, 0x0102);
    fwcfg_set32(f, FW_CFG_CPUS, 7); /* anew */
    fw_read(t, FW_CFG_CPUS, &cpus, 2);
    g_assert_cmphex(cpus, ==, 7);
    hw_outw(t, 0x510, 0x7777); /* no such item */
    g_assert_cmphex(hw_inb(t, 0x511), ==, 0);
    /* writing data is a thing of the past */
    hw_outw(t, 0x510, 0);
    hw_outb(t, 0x511, 'X');
    g_assert_cmphex(hw_inb(t, 0x511), ==, 'Q');
    fwcfg_reset(f);
    g_assert_cmphex(hw_inb(t, 0x511), ==, 'Q');
    fwcfg_free(f);
}

static void test_files(HwTest *t)
{
    FwCfg *f = fwcfg_new(t->io, t->mem);
    uint32_t size;
    fwcfg_set_file(f, "bootorder", "one\n", 5);
    fwcfg_set_file(f, "etc/empty", "", 0);
    fwcfg_set_file(f, "etc/a-name-of-exactly-fifty-five-characters-the-longest", "x", 1);
    g_assert_null(fw_file(t, "etc/none", &size));
    g_autofree uint8_t *one = fw_file(t, "bootorder", &size);
    g_assert_cmpmem(one, size, "one\n", 5);
    g_free(fw_file(t, "etc/empty", &size));
    g_assert_cmpuint(size, ==, 0);
    fwcfg_set_file(f, "bootorder", "another\n", 9);
    g_autofree uint8_t *two = fw_file(t, "bootorder", &size);
    g_assert_cmpmem(two, size, "another\n", 9);
    g_autofree uint8_t *longest = fw_file(t, "etc/a-name-of-exactly-fifty-five-characters-the-longest", &size);
    g_assert_cmpmem(longest, size, "x", 1);
    fwcfg_free(f);
}

/* Run a DMA command block at 0x8000; returns its control word afterwards. */
static uint32_t dma(HwTest *t, uint32_t control, uint32_t length, uint64_t address)
{
    struct {
        uint32_t control, length;
        uint64_t address;
    } block = { GUINT32_TO_BE(control), GUINT32_TO_BE(length), GUINT64_TO_BE(address) };
    memcpy(t->ram->host + 0x8000, &block, sizeof block);
    hw_outl(t, 0x514, 0);
    hw_outl(t, 0x518, GUINT32_TO_BE(0x8000));
    return GUINT32_FROM_BE(hw_readl(t, 0x8000));
}

static void test_dma(HwTest *t)
{
    FwCfg *f = fwcfg_new(t->io, t->mem);
    g_assert_cmphex(hw_inl(t, 0x514), ==, GUINT32_TO_LE(0x554d4551)); /* "QEMU" */
    g_assert_cmphex(hw_inl(t, 0x518), ==, GUINT32_TO_LE(0x47464320)); /* " CFG" */
    g_assert_cmphex(hw_inb(t, 0x519), ==, 'C');
    fwcfg_set(f, 0x30, "0123456789", 10);
    memset(t->ram->host + 0x9000, 0xee, 32);
    g_assert_cmphex(dma(t, 0x30 << 16 | 8 | 2, 4, 0x9000), ==, 0);
    g_assert_cmpmem(t->ram->host + 0x9000, 5, "0123\xee", 5);
    g_assert_cmphex(dma(t, 4, 2, 0), ==, 0); /* skip */
    g_assert_cmphex(dma(t, 2, 8, 0x9010), ==, 0); /* read on, past the end: zeros */
    g_assert_cmpmem(t->ram->host + 0x9010, 9, "6789\0\0\0\0\xee", 9);
    g_assert_cmphex(dma(t, 2, 1, 0x9010), ==, 0);
    g_assert_cmphex(t->ram->host[0x9010], ==, 0);
    /* the byte port goes on where DMA stopped */
    g_assert_cmphex(dma(t, 0x30 << 16 | 8 | 4, 9, 0), ==, 0);
    g_assert_cmphex(hw_inb(t, 0x511), ==, '9');
    /* writes are refused, items unchanged */
    g_assert_cmphex(dma(t, 0x30 << 16 | 8 | 16, 4, 0x9000), ==, 1);
    g_assert_cmphex(hw_inb(t, 0x511), ==, '0');
    /* absurd lengths and addresses come back */
    g_assert_cmphex(dma(t, 0x30 << 16 | 8 | 2, 0xffffffff, UINT64_MAX - 3), ==, 0);
    g_assert_cmphex(dma(t, 4, 0xffffffff, 0), ==, 0);
    g_assert_cmphex(dma(t, 4, 0xffffffff, 0), ==, 0);
    g_assert_cmphex(hw_inb(t, 0x511), ==, 0);
    /* only the low dword starts, and only as a dword */
    memset(t->ram->host + 0x9000, 0xee, 4);
    hw_outl(t, 0x514, GUINT32_TO_BE(0x8000));
    hw_outw(t, 0x518, 0x8000);
    g_assert_cmphex(t->ram->host[0x9000], ==, 0xee);
    fwcfg_free(f);
}

/* An item that stays in a file on the host: read in pieces, and zeros where the file has ended since. */
static void test_host_file(HwTest *t)
{
    enum { SIZE = 200000 };
    FwCfg *f = fwcfg_new(t->io, t->mem);
    g_autofree uint8_t *bytes = g_malloc(SIZE);
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("x86vm-fwcfg-XXXXXX", &path, NULL);
    g_assert_cmpint(fd, >=, 0);
    g_unlink(path);
    for (unsigned n = 0; n < SIZE; n++)
        bytes[n] = (uint8_t)(n * 7 + n / 256);
    g_assert_cmpint(write(fd, bytes, SIZE), ==, SIZE);
    fwcfg_set_fd(f, FW_CFG_INITRD_DATA, fd, SIZE);
    memset(t->ram->host + 0x10000, 0xee, SIZE + 16);
    g_assert_cmphex(dma(t, FW_CFG_INITRD_DATA << 16 | 8 | 2, 150000, 0x10000), ==, 0);
    g_assert_cmphex(hw_inb(t, 0x511), ==, bytes[150000]);
    g_assert_cmphex(dma(t, 2, 50007, 0x10000 + 150001), ==, 0);
    t->ram->host[0x10000 + 150000] = bytes[150000];
    g_assert_cmpmem(t->ram->host + 0x10000, SIZE, bytes, SIZE);
    g_assert_cmpmem(t->ram->host + 0x10000 + SIZE, 9, "\0\0\0\0\0\0\0\0\xee", 9);
    g_assert_cmpint(ftruncate(fd, 100000), ==, 0);
    g_assert_cmphex(dma(t, FW_CFG_INITRD_DATA << 16 | 8 | 2, SIZE, 0x10000), ==, 0);
    g_assert_cmpmem(t->ram->host + 0x10000, 100000, bytes, 100000);
    g_assert_cmphex(t->ram->host[0x10000 + 100000] | t->ram->host[0x10000 + SIZE - 1], ==, 0);
    fwcfg_set32(f, FW_CFG_INITRD_DATA, 5); /* replaced: the file is closed */
    g_assert_cmpint(fcntl(fd, F_GETFD), ==, -1);
    fwcfg_free(f);
}

/* ACPI */

#define LOADED 0x100000u /* where this test's BIOS puts the tables; the RSDP goes to 0xf0000 */
#define RSDP_AT 0xf0000u

typedef struct Command {
    uint32_t command;
    union {
        struct { char file[56]; uint32_t align; uint8_t zone; } allocate;
        struct { char dest[56], src[56]; uint32_t offset; uint8_t size; } pointer;
        struct { char file[56]; uint32_t offset, start, length; } checksum;
        uint8_t pad[124];
    };
} Command;

static uint32_t blob_address(const char *file)
{
    if (strcmp(file, "etc/acpi/rsdp") == 0)
        return RSDP_AT;
    g_assert_cmpstr(file, ==, "etc/acpi/tables");
    return LOADED;
}

static uint8_t sum(const uint8_t *p, size_t len)
{
    uint8_t s = 0;
    while (len--)
        s += *p++;
    return s;
}

static void load_tables(HwTest *t)
{
    uint32_t script_size;
    g_autofree uint8_t *script = fw_file(t, "etc/table-loader", &script_size);
    g_assert_cmpuint(sizeof(Command), ==, 128);
    g_assert_cmpuint(script_size % 128, ==, 0);
    for (uint32_t at = 0; at < script_size; at += 128) {
        Command *c = (Command *)(script + at);
        uint32_t size, pointer;
        uint8_t *p, *bytes;
        switch (c->command) {
        case 1:
            bytes = fw_file(t, c->allocate.file, &size);
            memcpy(t->ram->host + blob_address(c->allocate.file), bytes, size);
            g_free(bytes);
            break;
        case 2:
            g_assert_cmpuint(c->pointer.size, ==, 4);
            p = t->ram->host + blob_address(c->pointer.dest) + c->pointer.offset;
            memcpy(&pointer, p, 4);
            pointer += blob_address(c->pointer.src);
            memcpy(p, &pointer, 4);
            break;
        case 3:
            p = t->ram->host + blob_address(c->checksum.file);
            p[c->checksum.offset] -= sum(p + c->checksum.start, c->checksum.length);
            break;
        default:
            g_assert_not_reached();
        }
    }
}

static uint8_t *find_table(HwTest *t, const char *signature, uint32_t *length)
{
    uint32_t rsdt = hw_readl(t, RSDP_AT + 16);
    uint32_t rsdt_length = hw_readl(t, rsdt + 4);
    for (uint32_t at = 36; at < rsdt_length; at += 4) {
        uint32_t table = hw_readl(t, rsdt + at);
        if (memcmp(t->ram->host + table, signature, 4) == 0) {
            *length = hw_readl(t, table + 4);
            return t->ram->host + table;
        }
    }
    return NULL;
}

static void test_acpi(HwTest *t)
{
    static const char *const names[] = { "FACP", "APIC", "HPET", "WAET" };
    FwCfg *f = fwcfg_new(t->io, t->mem);
    uint32_t length;
    acpitables_install(f, &(AcpiTablesConfig){ .pci_window = 0x80000000, .apic = true, .hpet = true, .serials = 5,
                                             .parallels = 2 });
    load_tables(t);
    g_assert_cmpmem(t->ram->host + RSDP_AT, 8, "RSD PTR ", 8);
    g_assert_cmpuint(sum(t->ram->host + RSDP_AT, 20), ==, 0);
    uint32_t rsdt = hw_readl(t, RSDP_AT + 16);
    g_assert_cmpuint(sum(t->ram->host + rsdt, hw_readl(t, rsdt + 4)), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        uint8_t *table = find_table(t, names[i], &length);
        g_assert_nonnull(table);
        g_assert_cmpuint(sum(table, length), ==, 0);
    }
    uint8_t *fadt = find_table(t, "FACP", &length);
    g_assert_cmpuint(length, ==, 244);
    uint32_t facs, dsdt, pm_timer, gpe0;
    memcpy(&facs, fadt + 36, 4);
    memcpy(&dsdt, fadt + 40, 4);
    memcpy(&pm_timer, fadt + 76, 4);
    memcpy(&gpe0, fadt + 80, 4);
    g_assert_cmphex(pm_timer, ==, 0x608);
    g_assert_cmphex(gpe0, ==, 0x60c);
    g_assert_cmpuint(fadt[46], ==, 9); /* SCI */
    g_assert_cmphex(fadt[120], ==, 0xf9); /* reset register 0xcf9, value 6 */
    g_assert_cmphex(fadt[121], ==, 0x0c);
    g_assert_cmphex(fadt[128], ==, 6);
    g_assert_cmphex(facs % 64, ==, 0);
    g_assert_cmpmem(t->ram->host + facs, 4, "FACS", 4);
    g_assert_cmpmem(t->ram->host + dsdt, 4, "DSDT", 4);
    g_assert_cmpuint(sum(t->ram->host + dsdt, hw_readl(t, dsdt + 4)), ==, 0);
    static const struct { const char *name; uint32_t value; } names_filled[] = {
        { "MEMB", 0x80000000 }, { "HPEN", 1 }, { "COMS", 5 }, { "LPTS", 2 }, { "FDCN", 0 },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(names_filled); i++) {
        uint8_t *at = memmem(t->ram->host + dsdt, 200, names_filled[i].name, 4);
        uint32_t value;
        g_assert_nonnull(at);
        memcpy(&value, at + 5, 4);
        g_assert_cmphex(value, ==, names_filled[i].value);
    }
    fwcfg_free(f);
}

/* An old CPU: no APIC, no HPET, no tables that speak of them. */
static void test_acpi_small(HwTest *t)
{
    FwCfg *f = fwcfg_new(t->io, t->mem);
    uint32_t length;
    acpitables_install(f, &(AcpiTablesConfig){ .pci_window = 0xe0000000 });
    load_tables(t);
    g_assert_nonnull(find_table(t, "FACP", &length));
    g_assert_null(find_table(t, "APIC", &length));
    g_assert_null(find_table(t, "HPET", &length));
    fwcfg_free(f);
}

/* Every structure has its length and strings; the anchor counts them right. */
static void test_smbios(HwTest *t)
{
    static const uint8_t types[] = { 1, 3, 4, 16, 17, 19, 32, 127 };
    FwCfg *f = fwcfg_new(t->io, t->mem);
    uint32_t anchor_size, size;
    static const uint8_t uuid[16] = { 0x55, 0x0e, 0x84, 0x00, 0xe2, 0x9b, 0x41, 0xd4, 0xa7, 0x16, 0x44, 0x66, 0x55, 0x44, 0, 1 };
    smbios_install(f, 512 << 20, uuid);
    g_autofree uint8_t *anchor = fw_file(t, "etc/smbios/smbios-anchor", &anchor_size);
    g_autofree uint8_t *tables = fw_file(t, "etc/smbios/smbios-tables", &size);
    g_assert_cmpuint(anchor_size, ==, 31);
    g_assert_cmpmem(anchor, 4, "_SM_", 4);
    g_assert_cmpuint(anchor[22] | anchor[23] << 8, ==, size);
    g_assert_cmpuint(anchor[28], ==, G_N_ELEMENTS(types));
    uint32_t at = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++) {
        g_assert_cmpuint(tables[at], ==, types[i]);
        if (types[i] == 1) /* a UUID's first three fields are little-endian */
            g_assert_cmpmem(tables + at + 8, 16, "\x00\x84\x0e\x55\x9b\xe2\xd4\x41\xa7\x16\x44\x66\x55\x44\x00\x01", 16);
        if (types[i] == 17)
            g_assert_cmpuint(tables[at + 12] | tables[at + 13] << 8, ==, 512);
        at += tables[at + 1];
        while (tables[at] || tables[at + 1]) {
            at++;
            g_assert_cmpuint(at + 1, <, size);
        }
        at += 2;
    }
    g_assert_cmpuint(at, ==, size);
    fwcfg_free(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    hw_test_add("/fwcfg/ports", test_ports);
    hw_test_add("/fwcfg/files", test_files);
    hw_test_add("/fwcfg/dma", test_dma);
    hw_test_add("/fwcfg/host-file", test_host_file);
    hw_test_add("/fwcfg/acpi", test_acpi);
    hw_test_add("/fwcfg/acpi-small", test_acpi_small);
    hw_test_add("/fwcfg/smbios", test_smbios);
    return g_test_run();
}

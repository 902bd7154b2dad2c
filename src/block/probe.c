/*
 * Image format probing.
 *
 * The guest can write any magic number to its own raw disk. As every other format is refused, all that it gains is
 * a machine that won't start until format=raw is given; no host file is ever opened because of an image's contents.
 */
#include "block/probe.h"

#include <glib.h>
#include <string.h>

typedef struct Magic {
    const char *format;
    size_t offset;
    const char *bytes;
    size_t len;
    const char *unpack; /* command to which the path is added; NULL: qemu-img */
} Magic;

#define M(format, offset, bytes, unpack) {format, offset, bytes, sizeof(bytes) - 1, unpack}

static const Magic image_magic[] = {
    M("qcow2", 0, "QFI\xfb", NULL),
    M("qed", 0, "QED\0", NULL),
    M("vmdk", 0, "KDMV", NULL),
    M("vmdk", 0, "COWD", NULL),
    M("vmdk", 0, "# Disk DescriptorFile", NULL),
    M("vdi", 64, "\x7f\x10\xda\xbe", NULL),
    M("vhd", 0, "conectix", NULL),
    M("vhdx", 0, "vhdxfile", NULL),
    M("parallels", 0, "WithoutFreeSpace", NULL),
    M("parallels", 0, "WithouFreSpacExt", NULL),
    M("bochs", 0, "Bochs Virtual HD Image", NULL),
};

/* Two to six bytes might also open somebody's boot sector: these count only without the signature 55 AA. */
static const Magic packed_magic[] = {
    M("gzip", 0, "\x1f\x8b\x08", "gzip -dc"),
    M("xz", 0, "\xfd" "7zXZ\0", "xz -dc"),
    M("zstd", 0, "\x28\xb5\x2f\xfd", "zstd -dc"),
    M("bzip2", 0, "BZh", "bzip2 -dc"),
    M("zip", 0, "PK\x03\x04", "unzip -p"),
};

static const Magic *magic_find(const Magic *table, size_t n, const uint8_t *head, size_t head_len)
{
    for (size_t i = 0; i < n; i++)
        if (table[i].offset + table[i].len <= head_len &&
            !memcmp(head + table[i].offset, table[i].bytes, table[i].len))
            return &table[i];
    return NULL;
}

const char *probe_format(const uint8_t *head, size_t head_len, const uint8_t *tail)
{
    const Magic *m = magic_find(image_magic, G_N_ELEMENTS(image_magic), head, head_len);

    if (!m && !(head_len >= 512 && head[510] == 0x55 && head[511] == 0xaa))
        m = magic_find(packed_magic, G_N_ELEMENTS(packed_magic), head, head_len);
    if (m)
        return m->format;
    /* A fixed-size VHD has its only header at the end. */
    if (tail && !memcmp(tail, "conectix", 8))
        return "vhd";
    return "raw";
}

char *probe_conversion(const char *format, const char *path)
{
    g_autofree char *quoted = g_shell_quote(path);

    for (size_t i = 0; i < G_N_ELEMENTS(packed_magic); i++)
        if (!strcmp(packed_magic[i].format, format))
            return g_strdup_printf("%s %s > disk.img", packed_magic[i].unpack, quoted);
    for (size_t i = 0; i < G_N_ELEMENTS(image_magic); i++)
        if (!strcmp(image_magic[i].format, format))
            return g_strdup_printf("qemu-img convert -O raw %s disk.raw", quoted);
    return NULL;
}

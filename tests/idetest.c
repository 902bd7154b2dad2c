/*
 * What the IDE tests share. See idetest.h.
 */
#include "idetest.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

BlockDev *idetest_image_path(uint64_t n, unsigned unit, char **path)
{
    g_autoptr(GError) error = NULL;
    char *name = NULL;
    int fd = g_file_open_tmp("x86vm-ide-XXXXXX", &name, &error);

    g_assert_no_error(error);
    g_assert_cmpint(ftruncate(fd, (off_t)(n * unit)), ==, 0);
    for (uint32_t i = 0; i < MIN(n, 4096); i++)
        g_assert_cmpint(pwrite(fd, &i, sizeof(i), (off_t)i * unit), ==, sizeof(i));
    close(fd);
    BlockDev *b = block_open(name, &(BlockOptions){.format = "raw"}, &error);
    g_assert_no_error(error);
    if (path) {
        *path = name;
    } else {
        g_unlink(name);
        g_free(name);
    }
    return b;
}

BlockDev *idetest_image(uint64_t n, unsigned unit)
{
    return idetest_image_path(n, unit, NULL);
}

void ide_command28(HwTest *t, uint16_t base, uint8_t device, uint8_t feature, uint8_t count, uint32_t lba,
                   uint8_t command)
{
    hw_outb(t, base + 6, device | (lba >> 24 & 0x0f));
    hw_outb(t, base + 1, feature);
    hw_outb(t, base + 2, count);
    hw_outb(t, base + 3, (uint8_t)lba);
    hw_outb(t, base + 4, (uint8_t)(lba >> 8));
    hw_outb(t, base + 5, (uint8_t)(lba >> 16));
    hw_outb(t, base + 7, command);
}

void ide_command48(HwTest *t, uint16_t base, uint8_t device, uint16_t count, uint64_t lba, uint8_t command)
{
    hw_outb(t, base + 6, device);
    hw_outb(t, base + 2, (uint8_t)(count >> 8));
    hw_outb(t, base + 3, (uint8_t)(lba >> 24));
    hw_outb(t, base + 4, (uint8_t)(lba >> 32));
    hw_outb(t, base + 5, (uint8_t)(lba >> 40));
    hw_outb(t, base + 2, (uint8_t)count);
    hw_outb(t, base + 3, (uint8_t)lba);
    hw_outb(t, base + 4, (uint8_t)(lba >> 8));
    hw_outb(t, base + 5, (uint8_t)(lba >> 16));
    hw_outb(t, base + 7, command);
}

void ide_pio_in(HwTest *t, uint16_t base, void *buf, unsigned n)
{
    uint8_t *p = buf;

    for (unsigned i = 0; i < n; i += 2) {
        uint16_t w = hw_inw(t, base);
        p[i] = (uint8_t)w;
        if (i + 1 < n)
            p[i + 1] = (uint8_t)(w >> 8);
    }
}

void ide_pio_out(HwTest *t, uint16_t base, const void *buf, unsigned n)
{
    const uint8_t *p = buf;

    for (unsigned i = 0; i < n; i += 2)
        hw_outw(t, base, (uint16_t)(p[i] | (i + 1 < n ? p[i + 1] << 8 : 0)));
}

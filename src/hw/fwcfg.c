/*
 * The firmware configuration device, as docs/specs/fw_cfg of QEMU specifies it.
 *
 *   510h  word, write    select an item, rewind it
 *   511h  byte, read     its next byte; 0 after the end
 *   514h  dword, read    "QEMU", then "CFG" at 518h... : the DMA interface is there
 *         write          high half of the address of a command block, big-endian
 *   518h  dword, write   low half: run it
 *
 * A command block has control and length (32 bits) and an address (64 bits), all big-endian; the control word comes
 * back as 0 when done, or with its error bit. Items are read-only to the guest.
 */
#include "hw/fwcfg.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define FWCFG_PORT 0x510
#define FWCFG_DMA_PORT 0x514

#define ID_TRADITIONAL 1u
#define ID_DMA 2u

#define DMA_ERROR 0x01u
#define DMA_READ 0x02u
#define DMA_SKIP 0x04u
#define DMA_SELECT 0x08u
#define DMA_WRITE 0x10u

#define DIR_ENTRY_SIZE 64 /* size, key, reserved, name */
#define PIECE 65536u      /* bytes of a file on the host that are held at a time */

typedef struct Item {
    GBytes *bytes; /* or NULL: in fd */
    int fd;
    uint64_t size;
} Item;

struct FwCfg {
    Bus *mem;
    GHashTable *items; /* key -> Item */
    GPtrArray *names;  /* of the files: the key is FW_CFG_FILE_FIRST + index */
    uint16_t key;
    uint64_t offset;
    uint32_t dma_high;
};

static void item_free(gpointer opaque)
{
    Item *item = opaque;
    if (item->bytes)
        g_bytes_unref(item->bytes);
    else
        close(item->fd);
    g_free(item);
}

/* Copy len bytes from offset on; they lie within the item. */
static void item_read(const Item *item, uint64_t offset, uint8_t *to, size_t len)
{
    if (item->bytes) {
        memcpy(to, (const uint8_t *)g_bytes_get_data(item->bytes, NULL) + offset, len);
        return;
    }
    while (len) {
        ssize_t n = pread(item->fd, to, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            memset(to, 0, len);
            return;
        }
        to += n;
        offset += n;
        len -= n;
    }
}

static void fwcfg_select(FwCfg *f, uint16_t key)
{
    f->key = key;
    f->offset = 0;
}

/* The selected item, if anything is left of it from the current offset on. */
static const Item *fwcfg_rest(FwCfg *f, uint64_t *len)
{
    const Item *item = g_hash_table_lookup(f->items, GUINT_TO_POINTER((guint)f->key));
    *len = item && f->offset < item->size ? item->size - f->offset : 0;
    return *len ? item : NULL;
}

/* Ports */

static uint64_t fwcfg_read(void *opaque, uint64_t offset, unsigned size)
{
    FwCfg *f = opaque;
    if (offset != 1 || size != 1)
        return 0;
    uint64_t len;
    const Item *item = fwcfg_rest(f, &len);
    uint8_t byte = 0;
    if (item)
        item_read(item, f->offset++, &byte, 1);
    return byte;
}

static void fwcfg_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    if (offset == 0 && size == 2)
        fwcfg_select(opaque, (uint16_t)value);
}

static const RegionOps fwcfg_ops = { .read = fwcfg_read, .write = fwcfg_write, .min_size = 1, .max_size = 2 };

/* DMA */

static void dma_copy_out(FwCfg *f, uint64_t addr, uint32_t length)
{
    static const uint8_t zeros[4096];
    uint64_t have;
    const Item *item = fwcfg_rest(f, &have);
    uint32_t copied = have < length ? (uint32_t)have : length;
    if (item && item->bytes) {
        bus_dma_write(f->mem, addr, (const uint8_t *)g_bytes_get_data(item->bytes, NULL) + f->offset, copied);
    } else if (item) {
        g_autofree uint8_t *piece = g_malloc(PIECE);
        for (uint32_t at = 0, n; at < copied; at += n) {
            n = MIN(copied - at, PIECE);
            item_read(item, f->offset + at, piece, n);
            bus_dma_write(f->mem, addr + at, piece, n);
        }
    }
    f->offset += copied;
    /* Past the end there are zeros. No need to write more of them than there are addresses. */
    while (copied < length && addr + copied <= 0xffffffff) {
        uint32_t piece = MIN(length - copied, sizeof zeros);
        bus_dma_write(f->mem, addr + copied, zeros, piece);
        copied += piece;
    }
}

static void dma_run(FwCfg *f, uint64_t block)
{
    struct {
        uint32_t control, length;
        uint64_t address;
    } command;
    bus_dma_read(f->mem, block, &command, sizeof command);
    uint32_t control = GUINT32_FROM_BE(command.control);
    uint32_t length = GUINT32_FROM_BE(command.length);
    uint32_t result = 0;
    if (control & DMA_SELECT)
        fwcfg_select(f, control >> 16);
    if (control & DMA_READ)
        dma_copy_out(f, GUINT64_FROM_BE(command.address), length);
    else if (control & DMA_WRITE)
        result = DMA_ERROR;
    else if (control & DMA_SKIP)
        f->offset += length;
    result = GUINT32_TO_BE(result);
    bus_dma_write(f->mem, block, &result, sizeof result);
}

static uint64_t dma_port_read(void *opaque, uint64_t offset, unsigned size)
{
    static const char signature[9] = "QEMU CFG"; /* in the order of the ports */
    uint64_t value = 0;
    memcpy(&value, signature + offset, size);
    return value;
}

static void dma_port_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    FwCfg *f = opaque;
    if (size != 4)
        return;
    if (offset == 0) {
        f->dma_high = GUINT32_FROM_BE((uint32_t)value);
    } else if (offset == 4) {
        uint64_t block = (uint64_t)f->dma_high << 32 | GUINT32_FROM_BE((uint32_t)value);
        f->dma_high = 0;
        dma_run(f, block);
    }
}

static const RegionOps dma_ops = { .read = dma_port_read, .write = dma_port_write, .min_size = 1, .max_size = 4 };

/* Items */

void fwcfg_set_shared(FwCfg *f, uint16_t key, GBytes *bytes)
{
    Item item = { .bytes = g_bytes_ref(bytes), .fd = -1, .size = g_bytes_get_size(bytes) };
    g_hash_table_replace(f->items, GUINT_TO_POINTER((guint)key), g_memdup2(&item, sizeof item));
}

void fwcfg_set_fd(FwCfg *f, uint16_t key, int fd, uint64_t size)
{
    Item item = { .fd = fd, .size = size };
    g_hash_table_replace(f->items, GUINT_TO_POINTER((guint)key), g_memdup2(&item, sizeof item));
}

void fwcfg_set(FwCfg *f, uint16_t key, const void *bytes, size_t len)
{
    GBytes *copy = g_bytes_new(bytes, len);
    fwcfg_set_shared(f, key, copy);
    g_bytes_unref(copy);
}

void fwcfg_set16(FwCfg *f, uint16_t key, uint16_t value)
{
    value = GUINT16_TO_LE(value);
    fwcfg_set(f, key, &value, sizeof value);
}

void fwcfg_set32(FwCfg *f, uint16_t key, uint32_t value)
{
    value = GUINT32_TO_LE(value);
    fwcfg_set(f, key, &value, sizeof value);
}

void fwcfg_set64(FwCfg *f, uint16_t key, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    fwcfg_set(f, key, &value, sizeof value);
}

static void directory_update(FwCfg *f)
{
    GByteArray *dir = g_byte_array_new();
    uint32_t count = GUINT32_TO_BE(f->names->len);
    g_byte_array_append(dir, (const uint8_t *)&count, sizeof count);
    for (guint i = 0; i < f->names->len; i++) {
        uint8_t entry[DIR_ENTRY_SIZE] = { 0 };
        uint16_t key = FW_CFG_FILE_FIRST + i;
        const Item *item = g_hash_table_lookup(f->items, GUINT_TO_POINTER((guint)key));
        uint32_t size = GUINT32_TO_BE((uint32_t)item->size);
        key = GUINT16_TO_BE(key);
        memcpy(entry, &size, 4);
        memcpy(entry + 4, &key, 2);
        g_strlcpy((char *)entry + 8, g_ptr_array_index(f->names, i), DIR_ENTRY_SIZE - 8);
        g_byte_array_append(dir, entry, sizeof entry);
    }
    fwcfg_set(f, FW_CFG_FILE_DIR, dir->data, dir->len);
    g_byte_array_free(dir, TRUE);
}

void fwcfg_set_file(FwCfg *f, const char *name, const void *bytes, size_t len)
{
    g_assert(strlen(name) <= FW_CFG_NAME_MAX);
    guint i;
    if (!g_ptr_array_find_with_equal_func(f->names, name, g_str_equal, &i)) {
        i = f->names->len;
        g_ptr_array_add(f->names, g_strdup(name));
    }
    fwcfg_set(f, FW_CFG_FILE_FIRST + i, bytes, len);
    directory_update(f);
}

/* Reset, create */

void fwcfg_reset(FwCfg *f)
{
    fwcfg_select(f, FW_CFG_SIGNATURE);
    f->dma_high = 0;
}

FwCfg *fwcfg_new(Bus *io, Bus *mem)
{
    FwCfg *f = g_new0(FwCfg, 1);
    f->mem = mem;
    f->items = g_hash_table_new_full(NULL, NULL, NULL, item_free);
    f->names = g_ptr_array_new_with_free_func(g_free);
    fwcfg_set(f, FW_CFG_SIGNATURE, "QEMU", 4);
    fwcfg_set32(f, FW_CFG_ID, ID_TRADITIONAL | ID_DMA);
    directory_update(f);
    bus_add_io(io, "fwcfg", FWCFG_PORT, 2, &fwcfg_ops, f, 0);
    bus_add_io(io, "fwcfg-dma", FWCFG_DMA_PORT, 8, &dma_ops, f, 0);
    fwcfg_reset(f);
    return f;
}

void fwcfg_free(FwCfg *f)
{
    if (!f)
        return;
    g_hash_table_unref(f->items);
    g_ptr_array_free(f->names, TRUE);
    g_free(f);
}

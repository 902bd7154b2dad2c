/* ACPI tables: run the linker/loader script of fw_cfg's etc/table-loader (QEMU hw/acpi/bios-linker-loader). */
#include "bios/p32/p32.h"

enum { LOADER_ALLOCATE = 1, LOADER_ADD_POINTER = 2, LOADER_ADD_CHECKSUM = 3, LOADER_WRITE_POINTER = 4 };

#define NAME 56
#define LOADER_MAX_FILES 16

typedef struct PACKED LoaderEntry {
    u32 command;
    union {
        struct PACKED { char file[NAME]; u32 align; u8 zone; } alloc;
        struct PACKED { char dest[NAME], src[NAME]; u32 offset; u8 size; } pointer;
        struct PACKED { char file[NAME]; u32 offset, start, length; } sum;
        struct PACKED { char dest[NAME], src[NAME]; u32 dest_offset, src_offset; u8 size; } write;
        u8 pad[124];
    };
} LoaderEntry;

typedef struct Blob {
    char name[NAME];
    u32 address, size;
} Blob;

static Blob blobs[LOADER_MAX_FILES];
static u32 blob_count;

static Blob *find_blob(const char *name)
{
    for (u32 i = 0; i < blob_count; i++) {
        if (text_equal(blobs[i].name, name)) {
            return &blobs[i];
        }
    }
    return NULL;
}

static bool allocate(LoaderEntry *e)
{
    FwFile file;
    Blob *b = &blobs[blob_count];

    e->alloc.file[NAME - 1] = 0;
    if (blob_count == LOADER_MAX_FILES || !fwcfg_find(e->alloc.file, &file)) {
        return false;
    }
    b->address = alloc_zone(file.size, e->alloc.align, e->alloc.zone);
    if (!b->address) {
        return false;
    }
    b->size = file.size;
    memcpy(b->name, e->alloc.file, NAME);
    fwcfg_read(file.select, (void *)b->address, file.size);
    blob_count++;
    return true;
}

static bool add_pointer(LoaderEntry *e)
{
    Blob *dest = find_blob(e->pointer.dest), *src = find_blob(e->pointer.src);
    u64 value = 0;

    if (!dest || !src || e->pointer.size > 8 || e->pointer.offset + e->pointer.size > dest->size) {
        return false;
    }
    memcpy(&value, (void *)(dest->address + e->pointer.offset), e->pointer.size);
    value += src->address;
    memcpy((void *)(dest->address + e->pointer.offset), &value, e->pointer.size);
    return true;
}

static bool add_checksum(LoaderEntry *e)
{
    Blob *b = find_blob(e->sum.file);
    u8 *at;

    if (!b || e->sum.offset >= b->size || e->sum.start > b->size || e->sum.length > b->size - e->sum.start) {
        return false;
    }
    at = (u8 *)b->address + e->sum.offset;
    *at -= checksum((u8 *)b->address + e->sum.start, e->sum.length);
    return true;
}

static bool write_pointer(LoaderEntry *e)
{
    Blob *src = find_blob(e->write.src);
    FwFile file;
    u64 value;

    if (!src || e->write.size > 8 || !fwcfg_find(e->write.dest, &file)) {
        return false;
    }
    value = src->address + e->write.src_offset;
    return fwcfg_write(file.select, e->write.dest_offset, &value, e->write.size);
}

void acpi_init(void)
{
    static LoaderEntry e;
    FwFile script;
    u32 entries;
    u8 *copy;

    if (!fwcfg_find("etc/table-loader", &script)) {
        return;
    }
    entries = script.size / sizeof e;
    copy = (u8 *)0x110000;              /* free memory until POST ends */
    fwcfg_read(script.select, copy, script.size);
    for (u32 i = 0; i < entries; i++) {
        bool ok = true;

        memcpy(&e, copy + i * sizeof e, sizeof e);
        switch (e.command) {
        case LOADER_ALLOCATE:
            ok = allocate(&e);
            break;
        case LOADER_ADD_POINTER:
            ok = add_pointer(&e);
            break;
        case LOADER_ADD_CHECKSUM:
            ok = add_checksum(&e);
            break;
        case LOADER_WRITE_POINTER:
            ok = write_pointer(&e);
            break;
        }
        if (!ok) {
            debug_hex("bios: ACPI loader script fails at entry ", i);
            return;
        }
    }
}

/*
 * exec: the process becomes the program in a file. An ELF file's segments become regions, so that its pages are read
 * when they are touched. Any other file is a 16-bit .COM program, and the process becomes a V8086 task: a PC of 1986
 * behind its own fence.
 */
#include "kernel/kernel.h"

#define ELF_MAGIC 0x464c457fu
#define SEGMENT_LOAD 1
#define SEGMENT_WRITABLE 2
#define PROGRAM_BASE 0x400000u

#define COM_SEGMENT 0x2000u
#define COM_LINEAR (COM_SEGMENT << 4)
#define COM_START 0x100
#define COM_BYTES 0x10000u
#define INT_20H 0x20cd /* what DOS puts at offset 0, and 0 on the stack: so RET ends the program */
#define LOW_DATA_END 0x1000u
#define BIOS_START 0x90000u
#define BIOS_END 0x110000u

typedef struct ElfHeader {
    uint32_t magic;
    uint8_t ident[12];
    uint16_t type, machine;
    uint32_t version, entry, segments_offset, sections_offset, flags;
    uint16_t header_bytes, segment_bytes, segment_count;
} ElfHeader;

typedef struct ElfSegment {
    uint32_t type, offset, address, physical, file_bytes, memory_bytes, flags, align;
} ElfSegment;

static bool load_elf(Space *s, const FileInfo *f, const uint8_t *first_sector)
{
    const ElfHeader *h = (const ElfHeader *)first_sector;
    if (h->segments_offset + h->segment_count * sizeof(ElfSegment) > SECTOR_BYTES)
        return false;
    const ElfSegment *seg = (const ElfSegment *)(first_sector + h->segments_offset);
    for (int n = 0; n < h->segment_count; n++, seg++) {
        uint32_t end = seg->address + seg->memory_bytes;
        if (seg->type != SEGMENT_LOAD)
            continue;
        if (seg->address < PROGRAM_BASE || end < seg->address || end > MAP_BASE)
            return false;
        if ((seg->address ^ seg->offset) % PAGE_BYTES)
            return false;
        Region *r = space_add(s, REGION_FILE, seg->address, end, seg->flags & SEGMENT_WRITABLE);
        if (!r)
            return false;
        r->file = f;
        r->file_offset = seg->offset & -PAGE_BYTES;
        r->file_end = seg->offset + seg->file_bytes;
    }
    return space_add(s, REGION_MEMORY, STACK_TOP - STACK_BYTES, STACK_TOP, true);
}

/* The BIOS sees its own data, video memory and ROMs where they are; the kernel, which is between, it does not see. */
static bool load_com(Space *s, const FileInfo *f)
{
    return f->bytes <= COM_BYTES - COM_START - 256 &&
           space_add(s, REGION_PHYSICAL, 0, LOW_DATA_END, true) &&
           space_add(s, REGION_MEMORY, COM_LINEAR, COM_LINEAR + COM_BYTES, true) &&
           space_add(s, REGION_PHYSICAL, BIOS_START, BIOS_END, true);
}

static void start_elf(Frame *f, uint32_t entry, const char *arguments)
{
    size_t bytes = strlen(arguments) + 1;
    char *text = memcpy((char *)STACK_TOP - bytes, arguments, bytes);
    uint32_t *stack = (uint32_t *)((uint32_t)text & -16) - 4; /* i386 ABI: a call's arguments are 16-byte aligned */
    *stack = (uint32_t)text; /* start(arguments), which never returns */
    *--stack = 0;
    *f = (Frame){.eip = entry, .cs = USER_CODE, .eflags = FLAG_IF, .esp = (uint32_t)stack, .ss = USER_DATA,
                 .ds = USER_DATA, .es = USER_DATA};
}

static void start_com(Frame *f, const FileInfo *file)
{
    if (file_read(file, 0, (void *)(COM_LINEAR + COM_START), file->bytes) < 0)
        process_exit(STATUS_KILLED);
    *(uint16_t *)COM_LINEAR = INT_20H;
    *f = (Frame){.eip = COM_START, .cs = COM_SEGMENT, .eflags = FLAG_IF | FLAG_VM,
                 .esp = COM_BYTES - 2, .ss = COM_SEGMENT, .v_es = COM_SEGMENT, .v_ds = COM_SEGMENT};
}

/* Both strings are the kernel's own copies. Returns only when it fails and the old program goes on. */
int program_exec(const char *name, const char *arguments)
{
    uint8_t first_sector[SECTOR_BYTES] __attribute__((aligned(4)));
    const ElfHeader *h = (const ElfHeader *)first_sector;
    const FileInfo *f = file_find(name);
    Space fresh;
    if (!f || file_read(f, 0, first_sector, SECTOR_BYTES) < (int)sizeof *h || !space_new(&fresh))
        return -1;
    bool elf = h->magic == ELF_MAGIC;
    if (!(elf ? load_elf(&fresh, f, first_sector) : load_com(&fresh, f))) {
        space_free(&fresh);
        space_use(current->space.directory);
        return -1;
    }
    space_free(&current->space);
    current->space = fresh;
    space_use(fresh.directory);
    for (unsigned n = 0; n < NAME_BYTES - 1; n++)
        current->name[n] = n <= strlen(name) ? name[n] : 0;
    process_enter_program(!elf);
    if (elf)
        start_elf(process_frame(current), h->entry, arguments);
    else
        start_com(process_frame(current), f);
    return 0;
}

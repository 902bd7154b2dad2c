/*
 * Address spaces. A Space is a list of regions, which say what may be where, and a page directory, which says what is
 * there yet. Nothing is mapped before it is touched: the page fault finds the region and brings a zeroed frame, a page
 * of the program's file, or a page of the PC's low memory for V8086 tasks. fork shares all frames read-only; the first
 * write to one copies it.
 */
#include "kernel/kernel.h"

#define PRESENT 1u
#define WRITABLE 2u
#define USER 4u
#define ENTRIES 1024u
#define KERNEL_ENTRY (KERNEL_BASE >> 22)
#define FRAME(entry) ((entry) & -PAGE_BYTES)

extern uint32_t kernel_directory[ENTRIES];

void space_use(uint32_t directory)
{
    asm volatile("movl %0, %%cr3" : : "r"(directory) : "memory");
}

static void page_forget(uint32_t address)
{
    asm volatile("invlpg %0" : : "m"(*(char *)address) : "memory");
}

bool space_new(Space *s)
{
    *s = (Space){.directory = frame_new()};
    if (!s->directory)
        return false;
    uint32_t *directory = frame_pointer(s->directory);
    memcpy(directory + KERNEL_ENTRY, kernel_directory + KERNEL_ENTRY, (ENTRIES - KERNEL_ENTRY) * sizeof *directory);
    return true;
}

/* The page table entry for address; with make, its table is made when there is none. NULL: none, or memory is full. */
static uint32_t *space_entry(const Space *s, uint32_t address, bool make)
{
    uint32_t *directory = frame_pointer(s->directory), *slot = directory + (address >> 22);
    if (!(*slot & PRESENT)) {
        uint32_t table = make ? frame_new() : 0;
        if (!table)
            return NULL;
        *slot = table | PRESENT | WRITABLE | USER;
    }
    uint32_t *table = frame_pointer(FRAME(*slot));
    return table + (address / PAGE_BYTES) % ENTRIES;
}

Region *space_add(Space *s, RegionKind kind, uint32_t start, uint32_t end, bool writable)
{
    for (Region *r = s->regions; r < s->regions + REGIONS; r++)
        if (r->kind == REGION_NONE) {
            *r = (Region){kind, writable, start & -PAGE_BYTES, (end + PAGE_BYTES - 1) & -PAGE_BYTES, NULL, 0, 0};
            return r;
        }
    return NULL;
}

static const Region *space_region(const Space *s, uint32_t address)
{
    for (const Region *r = s->regions; r < s->regions + REGIONS; r++)
        if (r->kind != REGION_NONE && address >= r->start && address < r->end)
            return r;
    return NULL;
}

/* Fresh memory behind all that was given before. */
uint32_t space_map(Space *s, uint32_t bytes)
{
    uint32_t start = MAP_BASE;
    for (const Region *r = s->regions; r < s->regions + REGIONS; r++)
        if (r->end > start && r->end < STACK_TOP - STACK_BYTES)
            start = r->end;
    if (bytes == 0 || bytes > STACK_TOP - STACK_BYTES - PAGE_BYTES - start)
        return 0;
    return space_add(s, REGION_MEMORY, start, start + bytes, true) ? start : 0;
}

bool space_allows(const Space *s, uint32_t start, uint32_t bytes, bool write)
{
    uint32_t end = start + bytes;
    if (end < start)
        return false;
    for (uint32_t at = start; at < end;) {
        const Region *r = space_region(s, at);
        if (!r || (write && !r->writable))
            return false;
        at = r->end;
    }
    return true;
}

/* Bring the page at address: its frame with the references it now has, or 0. May sleep for the disk. */
static uint32_t page_bring(const Region *r, uint32_t address)
{
    if (r->kind == REGION_PHYSICAL)
        return address;
    uint32_t frame = frame_new(), offset = r->file_offset + (address - r->start);
    if (frame && r->kind == REGION_FILE && offset < r->file_end) {
        uint32_t left = r->file_end - offset;
        if (file_read(r->file, offset, frame_pointer(frame), left < PAGE_BYTES ? left : PAGE_BYTES) < 0) {
            frame_release(frame);
            return 0;
        }
        counters.demand_file++;
    } else {
        counters.demand_zero++;
    }
    return frame;
}

/* A page fault: true when it was only waiting for us and the instruction may be tried again. */
bool space_resolve_fault(Space *s, uint32_t address, bool write)
{
    const Region *r = space_region(s, address);
    if (!r || (write && !r->writable))
        return false;
    address &= -PAGE_BYTES;
    uint32_t *entry = space_entry(s, address, true);
    if (!entry)
        return false;
    s->faults++;
    if (!(*entry & PRESENT)) {
        uint32_t frame = page_bring(r, address);
        if (!frame && r->kind != REGION_PHYSICAL)
            return false;
        *entry = frame | PRESENT | USER | (r->writable ? WRITABLE : 0);
        s->pages++;
        return true;
    }
    if (!write || (*entry & WRITABLE))
        return false;
    uint32_t shared = FRAME(*entry); /* writable by its region, read-only here: shared by fork */
    if (frame_references(shared) > 1) {
        uint32_t own = frame_new();
        if (!own)
            return false;
        memcpy(frame_pointer(own), frame_pointer(shared), PAGE_BYTES);
        frame_release(shared);
        *entry = own | PRESENT | USER;
        counters.copy_on_write++;
    }
    *entry |= WRITABLE;
    page_forget(address);
    return true;
}

/* The child gets the parent's pages; what either may write is read-only in both until then. */
bool space_fork(Space *child, Space *parent)
{
    if (!space_new(child))
        return false;
    memcpy(child->regions, parent->regions, sizeof child->regions);
    for (const Region *r = parent->regions; r < parent->regions + REGIONS; r++)
        for (uint32_t at = r->start; r->kind != REGION_NONE && at < r->end; at += PAGE_BYTES) {
            uint32_t *from = space_entry(parent, at, false);
            if (!from)
                at |= (ENTRIES - 1) * PAGE_BYTES; /* no table, 4 MiB of nothing */
            if (!from || !(*from & PRESENT))
                continue;
            uint32_t *to = space_entry(child, at, true);
            if (!to) {
                space_free(child);
                space_use(parent->directory);
                return false;
            }
            if (r->kind != REGION_PHYSICAL)
                *from &= ~WRITABLE;
            *to = *from;
            frame_share(FRAME(*from));
            child->pages++;
        }
    space_use(parent->directory); /* the parent's TLB still says writable */
    return true;
}

void space_free(Space *s)
{
    uint32_t *directory = frame_pointer(s->directory);
    space_use((uint32_t)kernel_directory - KERNEL_BASE);
    for (uint32_t n = 0; n < KERNEL_ENTRY; n++) {
        uint32_t *table = frame_pointer(FRAME(directory[n]));
        if (!(directory[n] & PRESENT))
            continue;
        for (uint32_t k = 0; k < ENTRIES; k++)
            if (table[k] & PRESENT)
                frame_release(FRAME(table[k]));
        frame_release(FRAME(directory[n]));
    }
    frame_release(s->directory);
    *s = (Space){0};
}

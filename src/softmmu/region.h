/*
 * Physical address space and I/O ports: what answers where.
 *
 * A Bus is a set of regions, each a range of addresses with something behind it: RAM, ROM or a device's callbacks.
 * Later additions lie over earlier ones of the same or a lower priority, so the board says "VGA over RAM", "BIOS ROM
 * over both". The bus flattens this into sorted ranges; look-ups are a binary search behind the TLB (memory) or
 * a last-hit check (ports). One type serves memory (64-bit addresses) and ports (16-bit).
 *
 * Locking: device callbacks run with the machine lock held (bus_read/bus_write take it). Changing the map (add, remove,
 * enable) is done with the lock held and bumps Bus.generation; the map listener flushes TLBs.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t Gpa; /* guest physical address, or a port number on the I/O bus */
typedef uint64_t Gva; /* guest linear (virtual) address */
typedef uint8_t *Hva; /* address in this process */

typedef struct Bus Bus;
typedef struct Region Region;

/*
 * A device's callbacks. offset is relative to the region's start, size is 1, 2, 4 or 8. Accesses wider than max_size
 * are split, low address first; narrower than min_size are widened for reads and, for writes, passed through with
 * their own size. 0 means 1 and 4. Unassigned addresses read as all ones and ignore writes.
 */
typedef struct RegionOps {
    uint64_t (*read)(void *opaque, uint64_t offset, unsigned size);
    void (*write)(void *opaque, uint64_t offset, uint64_t value, unsigned size);
    unsigned min_size, max_size;
} RegionOps;

/*
 * A read that needs neither the machine lock nor the time: of what nothing but the CPU's own accesses (and a reset, while the CPU stands still) changes.
 * Called in the CPU's thread. False: nothing was done, it takes an ordinary read.
 */
typedef bool RegionPeek(void *opaque, uint64_t offset, unsigned size, uint64_t *value);

typedef enum RegionKind { REGION_RAM, REGION_ROM, REGION_IO } RegionKind;

struct Region {
    const char *name; /* static string, for `info mtree` */
    RegionKind kind;
    Gpa start;
    uint64_t size;
    int priority;
    bool enabled;
    Hva host;     /* RAM, ROM: the bytes (page aligned); not owned */
    uint64_t ram; /* RAM: offset of host in guest RAM, for page watches; UINT64_MAX when not guest RAM */
    const RegionOps *ops; /* IO; also ROM: writes go to ops->write when set */
    void *opaque;
    RegionPeek *peek; /* NULL: none */
    uint8_t watched; /* region_watch(); use __atomic operations */
    void (*written)(void *opaque);
    void *written_opaque;
};

/* lock may be NULL (tests, single thread). The bus does not own it. */
Bus *bus_new(const char *name, uint64_t size, GMutex *lock);
void bus_free(Bus *bus);

/*
 * Add regions. They are owned by the bus and live until bus_free(). RAM and ROM starts and sizes are multiples of
 * 4 KiB. Regions start enabled.
 */
Region *bus_add_io(Bus *bus, const char *name, Gpa start, uint64_t size, const RegionOps *ops, void *opaque, int priority);
Region *bus_add_ram(Bus *bus, const char *name, Gpa start, uint64_t size, Hva host, uint64_t ram_offset, int priority);
Region *bus_add_rom(Bus *bus, const char *name, Gpa start, uint64_t size, Hva host, int priority);

/* Show or hide, move (PCI BARs), or change the kind of (PAM) a region. No-ops when nothing changes. */
void region_set_enabled(Bus *bus, Region *r, bool enabled);
void region_move(Bus *bus, Region *r, Gpa start);
void region_set_kind(Bus *bus, Region *r, RegionKind kind);

/* An IO region's quick reads. Before the CPU runs. */
void region_set_peek(Region *r, RegionPeek *peek);

/* Batch map changes: between begin and commit the flat view is not rebuilt. Nests. */
void bus_begin(Bus *bus);
void bus_commit(Bus *bus);

/* Guest RAM, whose watchers hear of writes by bus_write() and bus_dma_write(). NULL (the start) for none. */
struct Ram;
void bus_set_ram(Bus *bus, struct Ram *ram);

/* A number that changes with every change of the map: whoever caches bus_find() compares it. Any thread. */
unsigned bus_generation(const Bus *bus);

/*
 * Watching video memory: RAM that is not guest RAM. region_set_watcher() says who hears of it. After region_watch(), one
 * call of written follows when the region is about to be written for the first time; it may also come without a write:
 * once after region_watch(), when a CPU that could write behind our back no longer can. So who watches, then looks,
 * and looks again when called, misses nothing. Lock held in all calls.
 */
void region_set_watcher(Region *r, void (*written)(void *opaque), void *opaque);
void region_watch(Bus *bus, Region *r);

/*
 * For the CPU. protect is called, with the lock held, when a region is newly watched: drop write access to watched regions
 * soon, from the CPU's thread, by bus_protect_watched(), which calls drop for each. bus_written() is to be called, without
 * the lock, before a write to a region with watched set.
 */
void bus_set_protector(Bus *bus, void (*protect)(void *opaque), void *opaque);
void bus_protect_watched(Bus *bus, void (*drop)(void *opaque, Hva host, uint64_t size), void *opaque);
void bus_written(Bus *bus, Region *r);

/* Called before every access of the CPU's (bus_read, bus_write and the like, not _locked and DMA), with the lock held. */
void bus_set_before(Bus *bus, void (*before)(void *opaque), void *opaque);

/* Is the CPU accessing a device? Any thread, without the lock: the answer is that of a moment ago. */
bool bus_busy(const Bus *bus);

/* Called after every change of the map, with the lock held. */
void bus_set_listener(Bus *bus, void (*changed)(void *opaque), void *opaque);

/*
 * The region that answers at addr, and, if last is not NULL, the last address that it answers without a break. NULL if
 * none; last is then the end of the hole. Any thread, with or without the lock: without it, the answer may be that of a
 * moment ago.
 */
Region *bus_find(Bus *bus, Gpa addr, Gpa *last);

/*
 * Access by the CPU or a device, any size 1..8, any alignment: IO regions see naturally aligned pieces. IO regions are called with the machine lock (taken here
 * unless the calling thread is a device callback: use the _locked forms there).
 */
uint64_t bus_read(Bus *bus, Gpa addr, unsigned size);
void bus_write(Bus *bus, Gpa addr, uint64_t value, unsigned size);
uint64_t bus_read_locked(Bus *bus, Gpa addr, unsigned size);
void bus_write_locked(Bus *bus, Gpa addr, uint64_t value, unsigned size);

/* The same for a device found before, by the offset in its region. */
uint64_t bus_read_region(Bus *bus, const Region *r, uint64_t offset, unsigned size);
void bus_write_region(Bus *bus, const Region *r, uint64_t offset, uint64_t value, unsigned size);

/*
 * DMA: copy len bytes between guest physical memory and buf. Holes read as 0xff; ROM ignores writes. Watches on RAM
 * pages are honoured. Machine lock held.
 */
void bus_dma_read(Bus *bus, Gpa addr, void *buf, uint64_t len);
void bus_dma_write(Bus *bus, Gpa addr, const void *buf, uint64_t len);

/* Print the flat map, as `info mtree` shows it; root names the whole. */
void bus_print(Bus *bus, const char *root, GString *out);

/*
 * Guest memory for debuggers. See memory.h.
 */
#include "debug/memory.h"

#include <string.h>

#include "debug/pagewalk.h"
#include "frontend/codecache.h"
#include "softmmu/mmu.h"

static size_t page_rest(uint64_t addr, size_t len)
{
    return MIN(len, PAGE_SIZE - (addr & ~PAGE_MASK));
}

void debug_read_phys(Vcpu *v, uint64_t gpa, void *buf, size_t len)
{
    uint8_t *out = buf;
    for (size_t n; len; gpa += n, out += n, len -= n) {
        n = page_rest(gpa, len);
        Region *r = bus_find(v->mem, gpa, NULL);
        if (r && r->kind != REGION_IO)
            n = MIN(n, r->start + r->size - gpa);
        else
            n = 1;
        if (r && r->kind != REGION_IO)
            memcpy(out, r->host + (gpa - r->start), n);
        else
            *out = bus_read_locked(v->mem, gpa, 1);
    }
}

void debug_write_phys(Vcpu *v, uint64_t gpa, const void *buf, size_t len)
{
    const uint8_t *in = buf;
    for (size_t n; len; gpa += n, in += n, len -= n) {
        n = page_rest(gpa, len);
        Region *r = bus_find(v->mem, gpa, NULL);
        if (!r || r->kind == REGION_IO) {
            n = 1;
            bus_write_locked(v->mem, gpa, *in, 1);
            continue;
        }
        n = MIN(n, r->start + r->size - gpa);
        if (r->kind == REGION_RAM && r->ram != UINT64_MAX)
            ram_written(v->ram, r->ram + (gpa - r->start), n);
        memcpy(r->host + (gpa - r->start), in, n);
        if (r->kind == REGION_ROM) {
            codecache_flush(v->code);
            vcpu_attention(v, ATTN_STALE);
        }
    }
}

/* By pieces of a page each, until one is not mapped. */
static size_t copy(Vcpu *v, uint64_t addr, uint8_t *buf, size_t len, bool write)
{
    size_t done = 0;
    while (done < len) {
        Gpa gpa;
        size_t n = page_rest(addr + done, len - done);
        if (!debug_translate(v, (addr + done) & v->lin_mask, &gpa))
            break;
        if (write)
            debug_write_phys(v, gpa, buf + done, n);
        else
            debug_read_phys(v, gpa, buf + done, n);
        done += n;
    }
    return done;
}

size_t debug_read(Vcpu *v, uint64_t addr, void *buf, size_t len)
{
    return copy(v, addr, buf, len, false);
}

size_t debug_write(Vcpu *v, uint64_t addr, const void *buf, size_t len)
{
    return copy(v, addr, (uint8_t *)buf, len, true);
}

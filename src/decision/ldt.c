/* Guest segments in the sandbox's LDT. See ldt.h, and modify_ldt(2) for what the kernel takes. */
#include "config.h"
#include "decision/ldt.h"

#include <glib.h>
#include <string.h>

#include "decision/sandbox.h"

bool ldt_can_hold(const Seg *s, int seg)
{
    if (s->null)
        return seg != S_CS && seg != S_SS;
    if ((s->attr & (SEG_S | SEG_P | SEG_L)) != (SEG_S | SEG_P) || s->base >> 32)
        return false;
    if (s->limit > 0xfffff && (s->limit & 0xfff) != 0xfff)
        return false;
    if (s->attr & SEG_CODE) {
        if (s->attr & SEG_C) /* contents 3: refused unless marked absent */
            return false;
        return seg == S_CS || (seg != S_SS && (s->attr & SEG_R));
    }
    return seg != S_CS && (seg != S_SS || (s->attr & SEG_W));
}

Seg ldt_split(const SandboxSplit *split, const Seg *s, int seg)
{
    Seg out = *s;
    if (seg != S_CS) {
        if (!s->null && !s->base && s->limit == UINT32_MAX && ((s->attr & SEG_CODE) || !(s->attr & SEG_E)))
            out.limit = split->data_last;
        return out;
    }
    uint32_t last = s->base <= split->code_last ? split->code_last - s->base : 0;
    if (last < s->limit) {
        out.limit = last;
        if (last > 0xfffff && (last & 0xfff) != 0xfff)
            out.limit = (last & ~0xfffu) - 1;
    }
    out.base = (uint32_t)(s->base + split->base);
    return out;
}

struct user_desc ldt_desc(const Seg *s)
{
    struct user_desc d;
    memset(&d, 0, sizeof d); /* padding too: entries are compared as bytes */
    d.base_addr = s->base;
    d.limit_in_pages = s->limit > 0xfffff;
    d.limit = d.limit_in_pages ? s->limit >> 12 : s->limit;
    d.seg_32bit = !!(s->attr & SEG_DB);
    if (s->attr & SEG_CODE) {
        d.contents = MODIFY_LDT_CONTENTS_CODE;
        d.read_exec_only = !(s->attr & SEG_R);
    } else {
        d.contents = s->attr & SEG_E ? MODIFY_LDT_CONTENTS_STACK : MODIFY_LDT_CONTENTS_DATA;
        d.read_exec_only = !(s->attr & SEG_W);
    }
    d.useable = 1; /* AVL; no entry of ours then looks like the kernel's word for "clear it" */
    return d;
}

int ldt_slot(LdtSlots *slots, const struct user_desc *d, bool *fresh)
{
    int oldest = 0;
    slots->clock++;
    for (int n = 0; n < LDT_SLOTS; n++) {
        struct user_desc have = slots->desc[n];
        have.entry_number = d->entry_number;
        if (slots->used[n] && !memcmp(&have, d, sizeof have)) {
            slots->used[n] = slots->clock;
            *fresh = false;
            return n;
        }
        if (slots->used[n] < slots->used[oldest])
            oldest = n;
    }
    slots->desc[oldest] = *d;
    slots->desc[oldest].entry_number = oldest;
    slots->used[oldest] = slots->clock;
    *fresh = true;
    return oldest;
}

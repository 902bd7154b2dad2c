/*
 * x87 state between Vcpu and the host's registers, by FNSAVE and FRSTOR: FXSAVE would touch the XMM registers. See fplive.h.
 */
#include "tcache/fplive.h"

#include "cpu/x87.h"

/* The 32-bit protected-mode image. SDM 1 figure 8-9 */
typedef struct __attribute__((packed)) X87Image {
    uint16_t cw, pad0, sw, pad1, tags, pad2;
    uint32_t ip, op_cs, dp, ds;
    uint8_t st[8][10];
} X87Image;

void fplive_load(Vcpu *v)
{
    const Fpu *f = &v->fpu;
    X87Image m = {.cw = f->cw, .pad0 = 0xffff, .sw = (f->sw & ~SW_TOP) | f->top << SW_TOP_SHIFT, .pad1 = 0xffff, .pad2 = 0xffff};
    for (unsigned n = 0; n < 8; n++) {
        m.tags |= f->full >> n & 1 ? 0 : 3u << (2 * n); /* valid, zero or special is the host's to find */
        memcpy(m.st[n], &f->reg[st_phys(f, n)], 10);
    }
    __asm__ volatile("frstor %0" : : "m"(m));
    v->fp_live |= FP_X87;
}

void fplive_store(Vcpu *v)
{
    Fpu *f = &v->fpu;
    X87Image m;
    __asm__ volatile("fnsave %0" : "=m"(m));
    f->cw = m.cw;
    f->sw = m.sw & ~SW_TOP;
    f->top = (m.sw & SW_TOP) >> SW_TOP_SHIFT;
    f->full = 0;
    for (unsigned n = 0; n < 8; n++) {
        f->full |= (m.tags >> (2 * n) & 3) == 3 ? 0 : 1u << n;
        memcpy(&f->reg[st_phys(f, n)], m.st[n], 10);
    }
    v->fp_live &= ~FP_X87;
}

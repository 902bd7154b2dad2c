/*
 * Window form: translated code whose memory operands are gs:[offset], where gs is a shadow window's base (softmmu/window.h).
 *
 * An access is one instruction and destroys no flags. When the host cannot do it, the signal finds the access by its host pc. Either
 * the page is mapped now and the access tried again, or the instruction's slow path goes on, as it does where the look-up
 * in the TLB fails in the other form. For that the signal puts things where the slow path wants them: flags are parked, registers
 * that had changed places go back (FIX_*).
 *
 * Which code is in this form: MODE_WINDOW is part of a block's mode. It is set for supervisor code, and for the user code of address
 * spaces that compute; never in shadow mode, under a debugger, with data breakpoints or with alignment checks. Single instructions that
 * keep missing (devices, watched pages, user memory from the kernel) are translated in the other form for a while.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct TCache;

/* What must be put right when an access faults. */
enum {
    FIX_FLAGS = 1, /* they are in the host's only: park them */
    FIX_AX = 2,    /* rax and r8 have changed places */
    FIX_DI = 4,    /* rdi and r10 */
};

/* An instruction of the host's that accesses the window. Places in the code buffer, as Ref. */
typedef struct WinAccess {
    uint32_t pc;   /* where it begins */
    uint32_t cold; /* the slow path */
    uint32_t site; /* Site */
    uint8_t fix;
} WinAccess;

typedef struct WinForm WinForm;

/* The window code of each privilege (MMU_SUPER, MMU_USER) runs on; the bases, for gs. */
typedef struct WinNow {
    void *base[2];
    bool use[2];
    void *gs; /* what gs is; NULL: not known */
    bool fsgsbase;
    uint64_t ran;       /* instructions of user code, and stretches of it, that winform_stretch() has not seen yet */
    unsigned stretches;
} WinNow;
#define WIN_RAN_MAX (1u << 20) /* of them, after which it is to see them */
#define WIN_STRETCHES_MAX 32u

void winform_free(struct TCache *c);

/* Is code that accesses memory as mmu_idx to be in window form now? */
static inline bool winform_now(const WinForm *w, unsigned mmu_idx)
{
    return mmu_idx < 2 && ((const WinNow *)w)->use[mmu_idx];
}
void winform_gs(WinForm *w, unsigned mmu_idx);
/* Before translated code is entered. */
static inline void winform_enter(WinForm *w, unsigned mmu_idx)
{
    const WinNow *now = (const WinNow *)w;
    if (mmu_idx < 2 && now->use[mmu_idx] && now->gs != now->base[mmu_idx])
        winform_gs(w, mmu_idx);
}
/* The same from C that has general registers only: false when more is to be done. */
static inline bool winform_enter_lean(WinForm *w, unsigned mmu_idx)
{
    WinNow *now = (WinNow *)w;
    if (mmu_idx < 2 && now->use[mmu_idx] && now->gs != now->base[mmu_idx]) {
        if (!now->fsgsbase)
            return false;
        __asm__ volatile("wrgsbase %0" : : "r"(now->base[mmu_idx]));
        now->gs = now->base[mmu_idx];
    }
    return true;
}
/* User code ran for so many instructions. */
static inline void winform_ran(WinForm *w, uint64_t insns)
{
    ((WinNow *)w)->ran += insns;
}
/* User code begins to run: is that to be counted only? Else winform_stretch() is to be called instead. */
static inline bool winform_stretch_lean(WinForm *w)
{
    WinNow *now = (WinNow *)w;
    if (now->stretches + 1 >= WIN_STRETCHES_MAX || now->ran >= WIN_RAN_MAX)
        return false;
    now->stretches++;
    return true;
}
/* This thread runs the CPU from now on. */
void winform_begin(struct TCache *c);
/* The TLB was flushed: what is mapped must be looked at. */
void winform_sync(struct TCache *c);
/* Between blocks, when something asked for attention: drop those that are to be translated anew. */
void winform_late(struct TCache *c);
/* User code begins to run. */
void winform_stretch(struct TCache *c);

/* Shall the instruction at host, a guest's byte in memory, access memory by the window? */
bool winform_wanted(const struct TCache *c, const uint8_t *host);
/* An access was emitted: in the order of their pc. */
void winform_add(struct TCache *c, const WinAccess *a);
/* All code is thrown away. */
void winform_flush(WinForm *w);

/* How 16-bit C sees memory.
 *
 * Every service runs on its caller's stack, in real or virtual-8086 mode: DS = ES = SS, so pointers to locals are
 * ordinary pointers; GS is the ROM's own segment, where constants live (ROM, STR); FS is pointed at whatever far
 * segment is being looked at. The named address spaces of GCC make both kinds of access plain C. */
#ifndef BIOS_FAR_H
#define BIOS_FAR_H

#include "bios/types.h"

#define GSEG __seg_gs
#define FSEG __seg_fs
#define ROM static const GSEG __attribute__((section(".rom")))
/* A variable in the ROM's segment: written during POST only, while its shadow is still writable. */
#define POSTVAR GSEG __attribute__((section(".postvar")))
#define STR(text) ({ static const GSEG char __attribute__((section(".rom"))) str_[] = text; str_; })

typedef const char GSEG *Str;

/* The registers of an interrupted program, as bios/entry.S pushes them. */
typedef struct Regs {
    u16 gs, fs, es, ds;
    union { u32 edi; u16 di; };
    union { u32 esi; u16 si; };
    union { u32 ebp; u16 bp; };
    u32 esp;
    union { u32 ebx; u16 bx; struct { u8 bl, bh; }; };
    union { u32 edx; u16 dx; struct { u8 dl, dh; }; };
    union { u32 ecx; u16 cx; struct { u8 cl, ch; }; };
    union { u32 eax; u16 ax; struct { u8 al, ah; }; };
    u16 vector;
    u16 ip, cs, flags;
} Regs;

#define FLAG_CF 0x0001
#define FLAG_ZF 0x0040
#define FLAG_IF 0x0200

static inline void regs_carry(Regs *r, bool set)
{
    r->flags = set ? r->flags | FLAG_CF : r->flags & ~FLAG_CF;
}

static inline void regs_zero(Regs *r, bool set)
{
    r->flags = set ? r->flags | FLAG_ZF : r->flags & ~FLAG_ZF;
}

static inline void set_fs(u16 seg)
{
    asm volatile("movw %0, %%fs" : : "r"(seg) : "memory");
}

#define FAR8(off) (*(volatile u8 FSEG *)(u32)(off))
#define FAR16(off) (*(volatile u16 FSEG *)(u32)(off))
#define FAR32(off) (*(volatile u32 FSEG *)(u32)(off))

static inline u8 peek8(u16 seg, u16 off)
{
    set_fs(seg);
    return FAR8(off);
}

static inline u16 peek16(u16 seg, u16 off)
{
    set_fs(seg);
    return FAR16(off);
}

static inline u32 peek32(u16 seg, u16 off)
{
    set_fs(seg);
    return FAR32(off);
}

static inline void poke8(u16 seg, u16 off, u8 value)
{
    set_fs(seg);
    FAR8(off) = value;
}

static inline void poke16(u16 seg, u16 off, u16 value)
{
    set_fs(seg);
    FAR16(off) = value;
}

static inline void poke32(u16 seg, u16 off, u32 value)
{
    set_fs(seg);
    FAR32(off) = value;
}

/* Copies forward between far segments, up to 65535 bytes; offsets wrap at 64 KiB as rep movsw's do. */
static inline void far_copy(u16 dst_seg, u16 dst, u16 src_seg, u16 src, u32 bytes)
{
    u32 d = dst, s = src;

    asm volatile("pushw %%ds\n pushw %%es\n movw %w3, %%es\n movw %w4, %%ds\n cld\n"
                 "shrw $1, %%cx\n rep movsw\n adcw %%cx, %%cx\n rep movsb\n"
                 "popw %%es\n popw %%ds"
                 : "+D"(d), "+S"(s), "+c"(bytes) : "a"(dst_seg), "d"(src_seg) : "memory", "cc");
}

static inline void far_fill16(u16 seg, u16 off, u16 value, u32 words)
{
    u32 d = off;

    asm volatile("pushw %%es\n movw %w3, %%es\n cld\n rep stosw\n popw %%es"
                 : "+D"(d), "+c"(words) : "a"(value), "d"(seg) : "memory", "cc");
}

static inline void irq_enable(void)
{
    asm volatile("sti" : : : "memory");
}

static inline void irq_disable(void)
{
    asm volatile("cli" : : : "memory");
}

/* Waits for an interrupt: sti takes effect after hlt has begun, so none is lost (SDM 2B, STI). */
static inline void irq_wait(void)
{
    asm volatile("sti\n hlt" : : : "memory");
}

static inline u16 irq_save(void)
{
    u32 flags;

    asm volatile("pushfl\n popl %0\n cli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void irq_restore(u16 flags)
{
    if (flags & FLAG_IF) {
        irq_enable();
    }
}

#endif

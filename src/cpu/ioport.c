/*
 * Port I/O: IN, OUT, INS and OUTS, and who may. SDM 1 chapter 19
 */
#include "cpu/debug.h"
#include "cpu/handlers.h"
#include "softmmu/storelog.h"

void io_check(Vcpu *v, uint16_t port, unsigned size)
{
    if (!vcpu_protected(v) || (!vcpu_v86(v) && v->cpl <= (v->flags & FL_IOPL) >> 12))
        return;
    /* The bitmap of a 32-bit TSS; two bytes are read always. SDM 1 19.5.2 */
    if (!(v->tr.attr & 8) || v->tr.limit < 0x67)
        fault_gp0(v);
    uint32_t off = sys_read16(v, v->tr.base + 0x66) + port / 8;
    if (off + 1 > v->tr.limit)
        fault_gp0(v);
    if (sys_read16(v, v->tr.base + off) >> port % 8 & ((1u << size) - 1))
        fault_gp0(v);
}

static uint32_t port_read(Vcpu *v, uint16_t port, unsigned size)
{
    uint32_t value = G_UNLIKELY(v->log != NULL) ? storelog_bus_read(v->log, v->io, port, size) : bus_read(v->io, port, size);
    if (G_UNLIKELY(v->hooks != NULL) && v->hooks->port)
        v->hooks->port(v->hooks->opaque, v, port, size, false, value);
    debug_io_access(v, port, size);
    return value;
}

static void port_write(Vcpu *v, uint16_t port, uint32_t value, unsigned size)
{
    if (G_UNLIKELY(v->hooks != NULL) && v->hooks->port)
        v->hooks->port(v->hooks->opaque, v, port, size, true, value);
    if (G_UNLIKELY(v->log != NULL))
        storelog_bus_write(v->log, v->io, port, value, size);
    else
        bus_write(v->io, port, value, size);
    debug_io_access(v, port, size);
}

/* Bit 0 of the opcode says byte or not, bit 3 immediate or DX. */
static unsigned io_size(const Insn *i)
{
    return i->opcode & 1 ? i->opsize : 1;
}
static uint16_t io_port(const Vcpu *v, const Insn *i)
{
    return i->opcode & 8 ? v->gpr[R_DX].w : (uint8_t)i->imm;
}

void op_in(Vcpu *v, const Insn *i)
{
    unsigned size = io_size(i);
    uint16_t port = io_port(v, i);
    io_check(v, port, size);
    uint32_t value = port_read(v, port, size);
    switch (size) {
    case 1: v->gpr[R_AX].b.l = value; break;
    case 2: v->gpr[R_AX].w = value; break;
    default: v->gpr[R_AX].d = value; break;
    }
}

void op_out(Vcpu *v, const Insn *i)
{
    unsigned size = io_size(i);
    uint16_t port = io_port(v, i);
    io_check(v, port, size);
    port_write(v, port, size == 1 ? v->gpr[R_AX].b.l : size == 2 ? v->gpr[R_AX].w : v->gpr[R_AX].d, size);
}

static void mem_write_sized(Vcpu *v, Gva addr, uint32_t value, unsigned size)
{
    switch (size) {
    case 1: lin_write8(v, addr, value); break;
    case 2: lin_write16(v, addr, value); break;
    default: lin_write32(v, addr, value); break;
    }
}

static uint32_t mem_read_sized(Vcpu *v, int seg, uint64_t ea, unsigned size)
{
    return size == 1 ? mem_read8(v, seg, ea) : size == 2 ? mem_read16(v, seg, ea) : mem_read32(v, seg, ea);
}

static void reg_add(Gpr *r, uint32_t delta, const Insn *i)
{
    if (i->asize == 2)
        r->w += delta;
    else
        r->d += delta;
}

/* One element from the port: the store is made sure of before the device is read, which cannot be undone. */
static void ins_one(Vcpu *v, const Insn *i, unsigned size)
{
    uint16_t port = v->gpr[R_DX].w;
    Gva addr = seg_lin_write(v, S_ES, v->gpr[R_DI].d & i->amask, size);
    lin_probe(v, addr, size, ACCESS_WRITE, v->mmu_idx);
    mem_write_sized(v, addr, port_read(v, port, size), size);
    reg_add(&v->gpr[R_DI], v->flags & FL_DF ? -size : size, i);
}

static void outs_one(Vcpu *v, const Insn *i, unsigned size)
{
    uint32_t value = mem_read_sized(v, i->seg, v->gpr[R_SI].d & i->amask, size);
    port_write(v, v->gpr[R_DX].w, value, size);
    reg_add(&v->gpr[R_SI], v->flags & FL_DF ? -size : size, i);
}

/*
 * REP: an event may come between two elements; then the instruction is simply begun again, with the registers as they
 * are. RF in the image keeps an instruction breakpoint from hitting twice. SDM 2B "REP", 3B 17.3.1.1
 */
static void repeat(Vcpu *v, const Insn *i, void (*one)(Vcpu *, const Insn *, unsigned))
{
    unsigned size = io_size(i);
    if (!i->rep) {
        io_check(v, v->gpr[R_DX].w, size);
        one(v, i, size);
        return;
    }
    io_check(v, v->gpr[R_DX].w, size); /* even when nothing is to be moved */
    if (!(v->gpr[R_CX].d & i->amask))
        return;
    for (;;) {
        one(v, i, size);
        reg_add(&v->gpr[R_CX], -1, i);
        if (!(v->gpr[R_CX].d & i->amask))
            return;
        bool asked = __atomic_load_n(&v->attention, __ATOMIC_RELAXED);
        if (G_UNLIKELY(v->log != NULL))
            asked = storelog_repeat_io(v->log, asked);
        if (asked || (v->flags & FL_TF) || v->debug_hits) {
            v->rip = v->insn_rip;
            v->flags |= FL_RF;
            if (G_UNLIKELY(v->log != NULL))
                vcpu_attention(v, ATTN_STEP); /* shadow mode leaves unasked; RF wants a step all the same */
            return;
        }
    }
}

void op_ins(Vcpu *v, const Insn *i)
{
    repeat(v, i, ins_one);
}

void op_outs(Vcpu *v, const Insn *i)
{
    repeat(v, i, outs_one);
}

/*
 * The ways into translated code, out of it, and from it to C.
 *
 *   enter         C calls it: load the guest's registers and jump to a block
 *   stub_call     run an instruction's handler and come back; r10d = offset of its Site in the buffer
 *   stub_mode     the same, and leave if what code is translated under has changed
 *   stub_final    the same for the last instruction of a block; then go on with the next, or leave
 *   stub_indirect jump to eip r10d; r12d = number of the mode
 *   stub_edge     leave by an edge: r10d = its offset in the buffer
 *   stub_leave    leave: eip in r10d
 *   stub_step     the same, and the interpreter is to do one instruction (LEFT_STEP)
 *   stub_second   the same, because the second page of the block there is to be looked up
 *   stub_full     called where the return stack is full, or a call shall look whether anything asks for attention: forget all entries; flags tell
 *                 (not equal: leave). Uses r11 and r12
 *   stub_xmm      make the guest's XMM registers the host's; touches nothing else but flags
 *   stub_x87      the same for the x87, unless it is there; afterwards the XMM registers may not be
 *
 *   stub_seg      load segment register r11d with selector r10d; flags tell (below: done; equal: done, and go on by stub_next; above: not done).
 *                 Keeps r12 and r13
 *   stub_verw     VERW of selector r10d, in the same way
 *   stub_next     go on at eip r10d, in another mode than before
 *   stub_lean     do the instruction of the site at r10d by a lean helper, and go on; r11d: its operand
 *
 *   stub_miss     a return to eip r10d that the return stack does not expect; r12d = number of the mode
 *
 * The return stack is the host's own: a guest's call is a host call behind a push of the address that it returns to, and a
 * return whose address is that one is a host return, which the host predicts. Below lies one entry that leads to the run
 * loop. Leaving for C forgets all entries, so nothing on it outlives a change of mode, mapping or code. An entry is 16 bytes, and
 * rsp stays a multiple of that.
 *
 * Flags are parked in all of them. Handlers may jump to the run loop's catch point, so what they need is in Vcpu first.
 */
#include "tcache/internal.h"

#include "cpu/simd.h"
#include "tcache/emit.h"
#include "tcache/fplive.h"
#include "tcache/lean.h"

#define VCPU(field) host_mem(H_R14, offsetof(Vcpu, field))

/* Where each guest register lives. */
static const uint8_t host_of[8] = {H_R8, H_CX, H_DX, H_BX, H_R9, H_BP, H_SI, H_DI};

static void test_live(Emit *e, unsigned what)
{
    emit_rm(e, 0, 1, 0xf6, 0, VCPU(fp_live));
    emit8(e, what);
}

static HostMem xmm_slot(int n)
{
    return host_mem(H_R14, offsetof(Vcpu, fpu.xmm) + n * sizeof(Xmm));
}

/* The XMM registers to Vcpu, if they are the guest's: C code does not keep them. Uses r11. */
static void spill_xmm(TCache *c, Emit *e)
{
    test_live(e, FP_XMM);
    uint8_t *none = emit_jcc(e, 4);
    for (int n = 0; n < 8; n++)
        emit_rm(e, 0, 4, 0x0f29, n, xmm_slot(n)); /* movaps */
    emit_rm(e, 0, 4, 0x0fae, 3, VCPU(fpu.mxcsr));  /* stmxcsr */
    emit_mov_imm64(e, H_R11, (uintptr_t)&c->host_mxcsr);
    emit_rm(e, 0, 4, 0x0fae, 2, host_mem(H_R11, 0)); /* ldmxcsr */
    emit_rm(e, 0, 1, 0x80, 4, VCPU(fp_live));
    emit8(e, 0xff & ~FP_XMM);
    emit_patch32(none, e->p);
}

static void emit_stub_xmm(Emit *e)
{
    for (int n = 0; n < 8; n++)
        emit_rm(e, 0, 4, 0x0f28, n, xmm_slot(n));
    emit_rm(e, 0, 4, 0x0fae, 2, VCPU(fpu.mxcsr));
    emit_rm(e, 0, 1, 0x80, 1, VCPU(fp_live));
    emit8(e, FP_XMM);
    emit8(e, 0xc3);
}

static void call_c(Emit *e, void (*fn)(Vcpu *))
{
    emit_mov(e, 8, H_DI, H_R14);
    emit_mov_imm64(e, H_AX, (uintptr_t)fn);
    emit_rr(e, 0, 4, 0xff, 2, H_AX);
}

static void spill(TCache *c, Emit *e)
{
    spill_xmm(c, e);
    emit_store(e, 2, VCPU(cc), H_AX);
    for (int n = 0; n < 8; n++)
        emit_store(e, 8, host_mem(H_R14, offsetof(Vcpu, gpr) + n * sizeof(Gpr)), host_of[n]);
    emit_store(e, 8, VCPU(insns), H_R15);
}

/*
 * What a block left undone of the x87's pointers (x87ptr.c), before C code can look at them or change selectors. Uses rax and r11;
 * they must have been spilled.
 */
static void settle_pointers(TCache *c, Emit *e)
{
    emit_load(e, 4, H_R11, VCPU(x87_last));
    emit_rr(e, 0, 4, 0x85, H_R11, H_R11); /* test */
    uint8_t *no_ip = emit_jcc(e, 4);
    emit_mov_imm64(e, H_AX, (uintptr_t)c->buf->write);
    emit_rr(e, 0, 8, 0x01, H_AX, H_R11); /* add */
    emit_load(e, 4, H_AX, host_mem(H_R11, offsetof(X87Last, fip)));
    emit_store(e, 8, VCPU(fpu.fip), H_AX);
    emit_rm(e, 0, 4, 0x0fb7, H_AX, host_mem(H_R11, offsetof(X87Last, fop)));
    emit_store(e, 2, VCPU(fpu.fop), H_AX);
    emit_rm(e, 0, 4, 0x0fb7, H_AX, VCPU(seg[S_CS].sel));
    emit_store(e, 2, VCPU(fpu.fcs), H_AX);
    emit_rm(e, 0, 4, 0xc7, 0, VCPU(x87_last));
    emit32(e, 0);
    emit_patch32(no_ip, e->p);
    emit_rm(e, 0, 4, 0x0fb6, H_R11, VCPU(x87_seg));
    emit_rr(e, 0, 4, 0x85, H_R11, H_R11);
    uint8_t *no_dp = emit_jcc(e, 4);
    emit_rr(e, 0, 4, 0x6b, H_R11, H_R11); /* imul */
    emit8(e, sizeof(Seg));
    G_STATIC_ASSERT(sizeof(Seg) < 128);
    emit_rm(e, 0, 4, 0x0fb7, H_AX, (HostMem){H_R14, H_R11, 0, offsetof(Vcpu, seg[0].sel) - sizeof(Seg)});
    emit_store(e, 2, VCPU(fpu.fds), H_AX);
    emit_rm(e, 0, 1, 0xc6, 0, VCPU(x87_seg));
    emit8(e, 0);
    emit_patch32(no_dp, e->p);
}

static void reload(Emit *e)
{
    for (int n = 0; n < 8; n++)
        emit_load(e, 8, host_of[n], host_mem(H_R14, offsetof(Vcpu, gpr) + n * sizeof(Gpr)));
    emit_rm(e, 0, 4, 0x0fb7, H_AX, VCPU(cc)); /* movzx */
}

/* Registers of the guest's that lean helpers do not keep. */
static const uint8_t lean_guest[] = {R_AX, R_CX, R_DX, R_SP, R_SI, R_DI};

static void lean_spill(Emit *e)
{
    emit_store(e, 2, VCPU(cc), H_AX);
    for (unsigned n = 0; n < G_N_ELEMENTS(lean_guest); n++)
        emit_store(e, 8, host_mem(H_R14, offsetof(Vcpu, gpr) + lean_guest[n] * sizeof(Gpr)), host_of[lean_guest[n]]);
}

static void lean_reload(Emit *e)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(lean_guest); n++)
        emit_load(e, 8, host_of[lean_guest[n]], host_mem(H_R14, offsetof(Vcpu, gpr) + lean_guest[n] * sizeof(Gpr)));
    emit_rm(e, 0, 4, 0x0fb7, H_AX, VCPU(cc)); /* movzx */
}

static const uint8_t saved[] = {H_BX, H_BP, H_R12, H_R13, H_R14, H_R15};

#define RETURN_BYTES 16
#define RETURNS 1024 /* entries of the return stack */

/* *bottom: the displacement to point at what the return stack's last entry leads to. */
static void emit_enter(Emit *e, uint8_t **bottom)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(saved); n++) {
        if (saved[n] & 8)
            emit8(e, 0x41);
        emit8(e, 0x50 | (saved[n] & 7)); /* push */
    }
    emit_rr(e, 0, 8, 0x83, 5, H_SP); /* sub rsp, 8 + 16 */
    emit8(e, 8 + RETURN_BYTES);
    emit_mov(e, 8, H_R14, H_DI);
    emit_mov(e, 8, H_R11, H_SI);
    uint8_t *at = e->p;
    emit_rm(e, 0, 8, 0x8d, H_AX, host_mem(H_BP, INT32_MAX)); /* lea rax, [rip + disp32] */
    at[2] = 0x05;
    *bottom = at + 3;
    emit_store(e, 8, host_mem(H_SP, 0), H_AX);
    emit_store(e, 8, VCPU(host_sp), H_SP);
    emit_lea(e, 8, H_AX, host_mem(H_SP, -(int)(RETURNS * RETURN_BYTES)));
    emit_rm(e, 0, 8, 0x87, H_AX, VCPU(host_sp_limit)); /* xchg: before attention is read; see vcpu_attention() */
    emit_rm(e, 0, 4, 0x83, 7, VCPU(attention));
    emit8(e, 0);
    uint8_t *calm = emit_jcc(e, 4);
    emit_rm(e, 0, 8, 0xc7, 0, VCPU(host_sp_limit)); /* mov qword, -1 */
    emit32(e, UINT32_MAX);
    emit_patch32(calm, e->p);
    emit_load(e, 8, H_R15, VCPU(insns));
    reload(e);
    emit_rr(e, 0, 4, 0xff, 4, H_R11); /* jmp r11 */
}

/* Back to C with the value in r13; registers are in Vcpu. */
static void emit_return(Emit *e)
{
    emit_mov(e, 8, H_AX, H_R13);
    emit_load(e, 8, H_SP, VCPU(host_sp));
    emit_rr(e, 0, 8, 0x83, 0, H_SP);
    emit8(e, 8 + RETURN_BYTES);
    for (int n = G_N_ELEMENTS(saved) - 1; n >= 0; n--) {
        if (saved[n] & 8)
            emit8(e, 0x41);
        emit8(e, 0x58 | (saved[n] & 7)); /* pop */
    }
    emit8(e, 0xc3);
}

/* Registers to Vcpu, then the handler of the site whose offset is r10d; r12 = the Site. */
static void emit_handler(TCache *c, Emit *e)
{
    spill(c, e);
    emit_mov_imm64(e, H_R12, (uintptr_t)c->buf->write);
    emit_rr(e, 0, 8, 0x01, H_R10, H_R12); /* add r12, r10 */
    emit_store(e, 8, VCPU(site), H_R12);
    settle_pointers(c, e);
    emit_load(e, 4, H_AX, host_mem(H_R12, offsetof(Site, eip)));
    emit_store(e, 8, VCPU(insn_rip), H_AX);
    emit_load(e, 4, H_BX, host_mem(H_R12, offsetof(Site, insn)));
    emit_rr(e, 0, 4, 0x85, H_BX, H_BX); /* test */
    uint8_t *decoded = emit_jcc(e, 5);
    emit_mov(e, 8, H_DI, H_R14);
    emit_mov(e, 8, H_SI, H_R12);
    emit_mov_imm64(e, H_AX, (uintptr_t)site_decode);
    emit_rr(e, 0, 4, 0xff, 2, H_AX);
    emit_mov(e, 8, H_BX, H_AX);
    uint8_t *have = emit_jmp(e);
    emit_patch32(decoded, e->p);
    emit_mov_imm64(e, H_R11, (uintptr_t)c->buf->write);
    emit_rr(e, 0, 8, 0x01, H_R11, H_BX);
    emit_patch32(have, e->p);
    /* rbx = Insn; r13d = address of the next instruction */
    emit_rm(e, 0, 4, 0x0fb6, H_R13, host_mem(H_BX, offsetof(Insn, len)));
    emit_rm(e, 0, 4, 0x03, H_R13, host_mem(H_R12, offsetof(Site, eip)));
    emit_store(e, 8, VCPU(rip), H_R13);
    emit_rm(e, 0, 4, 0x0fb7, H_AX, host_mem(H_BX, offsetof(Insn, row)));
    emit_mov_imm64(e, H_R11, (uintptr_t)c->calls);
    emit_rm(e, 0, 8, 0xff, 0, (HostMem){H_R11, H_AX, 3, 0}); /* inc */
    emit_rm(e, 0, 1, 0x80, 7, host_mem(H_R12, offsetof(Site, x87))); /* cmp byte, 0 */
    emit8(e, 0);
    uint8_t *no_x87 = emit_jcc(e, 4);
    test_live(e, FP_X87);
    uint8_t *not_live = emit_jcc(e, 4);
    call_c(e, fplive_store);
    emit_patch32(no_x87, e->p);
    emit_patch32(not_live, e->p);
    emit_mov(e, 8, H_DI, H_R14);
    emit_mov(e, 8, H_SI, H_BX);
    emit_rm(e, 0, 4, 0xff, 2, host_mem(H_BX, offsetof(Insn, run))); /* call */
}

/* keeps: also leave unless the mode is as it was. */
static void emit_stub_call(TCache *c, Emit *e, const uint8_t *left_site, bool keeps)
{
    emit_rr(e, 0, 8, 0x83, 5, H_SP); /* sub rsp, 8 */
    emit8(e, 8);
    emit_handler(c, e);
    /* an instruction that left for elsewhere, or something to look at: the block does not go on */
    emit_rm(e, 0, 4, 0x0fb6, H_AX, host_mem(H_R12, offsetof(Site, len)));
    emit_rm(e, 0, 4, 0x03, H_AX, host_mem(H_R12, offsetof(Site, eip)));
    emit_rm(e, 0, 8, 0x3b, H_AX, VCPU(rip)); /* cmp */
    uint8_t *out1 = emit_jcc(e, 5);
    emit_rm(e, 0, 4, 0x83, 7, VCPU(attention)); /* cmp dword, 0 */
    emit8(e, 0);
    uint8_t *out2 = emit_jcc(e, 5), *out3 = NULL;
    if (keeps) {
        emit_mov(e, 8, H_DI, H_R14);
        emit_mov(e, 8, H_SI, H_R12);
        emit_mov_imm64(e, H_AX, (uintptr_t)site_mode_kept);
        emit_rr(e, 0, 4, 0xff, 2, H_AX);
        emit_rr(e, 0, 1, 0x84, H_AX, H_AX); /* test al, al */
        out3 = emit_jcc(e, 4);
    }
    reload(e);
    emit_rr(e, 0, 8, 0x83, 0, H_SP);
    emit8(e, 8);
    emit8(e, 0xc3);
    emit_patch32(out1, e->p);
    emit_patch32(out2, e->p);
    if (out3)
        emit_patch32(out3, e->p);
    emit_jmp_to(e, left_site);
}

static void emit_stub_indirect(TCache *c, Emit *e)
{
    HostMem slot = host_mem(H_R13, 0);

    emit_rm(e, 0, 4, 0x83, 7, VCPU(attention));
    emit8(e, 0);
    uint8_t *leave1 = emit_jcc(e, 5);
    emit_rr(e, 0, 4, 0x69, H_R11, H_R10); /* imul: chain_slot() */
    emit32(e, JUMP_HASH);
    emit_rr(e, 0, 4, 0xc1, 5, H_R11); /* shr */
    emit8(e, 32 - JUMP_BITS - JUMP_SLOT_SHIFT);
    emit_rr(e, 0, 4, 0x83, 4, H_R11); /* and */
    emit8(e, -(1 << JUMP_SLOT_SHIFT));
    emit_mov_imm64(e, H_R13, (uintptr_t)c->jumps);
    emit_rr(e, 0, 8, 0x01, H_R11, H_R13);
    emit_rr(e, 0, 8, 0xc1, 4, H_R12); /* shl: the mode goes above eip */
    emit8(e, 32);
    emit_rr(e, 0, 8, 0x09, H_R10, H_R12);
    slot.disp = offsetof(JumpSlot, tag);
    emit_rm(e, 0, 8, 0x3b, H_R12, slot);
    uint8_t *leave2 = emit_jcc(e, 5);
    slot.disp = offsetof(JumpSlot, fetch);
    emit_load(e, 8, H_R11, slot);
    slot.disp = offsetof(JumpSlot, key);
    emit_load(e, 8, H_R12, slot);
    emit_rm(e, 0, 8, 0x3b, H_R12, (HostMem){H_R14, H_R11, 0, 0});
    uint8_t *leave3 = emit_jcc(e, 5);
    /* remember it in Vcpu.quick */
    HostMem quick = {H_R14, H_R11, 0, offsetof(Vcpu, quick) + offsetof(QuickJump, tag)};
    emit_lea(e, 4, H_R11, (HostMem){H_NONE, H_R10, 2, 0});
    emit_rr(e, 0, 4, 0x81, 4, H_R11); /* and */
    emit32(e, (QUICK_SIZE - 1) * sizeof(QuickJump));
    emit_load(e, 8, H_R12, VCPU(quick_tag));
    emit_rr(e, 0, 8, 0x09, H_R10, H_R12);
    emit_store(e, 8, quick, H_R12);
    slot.disp = offsetof(JumpSlot, code);
    emit_load(e, 8, H_R12, slot);
    quick.disp += offsetof(QuickJump, code);
    emit_store(e, 8, quick, H_R12);
    emit_rr(e, 0, 4, 0xff, 4, H_R12); /* jmp */
    emit_patch32(leave1, e->p);
    emit_patch32(leave2, e->p);
    emit_patch32(leave3, e->p);
    /* falls into stub_leave */
}

static void emit_stub_x87(TCache *c, Emit *e)
{
    test_live(e, FP_X87);
    uint8_t *load = emit_jcc(e, 4);
    emit8(e, 0xc3);
    emit_patch32(load, e->p);
    emit_rr(e, 0, 8, 0x83, 5, H_SP);
    emit8(e, 8);
    spill(c, e);
    call_c(e, fplive_load);
    reload(e);
    emit_rr(e, 0, 8, 0x83, 0, H_SP);
    emit8(e, 8);
    emit8(e, 0xc3);
}

/* rax: where a lean helper wants to go on, which is not NULL. */
static void emit_lean_end(TCache *c, Emit *e)
{
    emit_rr(e, 0, 8, 0x83, 7, H_AX); /* cmp */
    emit8(e, (uintptr_t)LEAN_LEAVE);
    uint8_t *leave = emit_jcc(e, 4);
    emit_mov(e, 8, H_R11, H_AX);
    emit_load(e, 8, H_SP, VCPU(host_sp)); /* the mode may be another one: forget the return stack */
    lean_reload(e);
    emit_rr(e, 0, 4, 0xff, 4, H_R11); /* jmp r11 */
    emit_patch32(leave, e->p);
    lean_reload(e);
    emit_mov_imm32(e, H_R13, LEFT_PLAIN);
    spill(c, e);
    emit_return(e);
}

/* What the stubs of all lean helpers go on with; r12 = the helper. */
static void emit_lean(TCache *c, Emit *e)
{
    lean_spill(e);
    emit_mov(e, 4, H_DX, H_R11);
    settle_pointers(c, e);
    emit_mov(e, 4, H_R13, H_R10);
    emit_mov_imm64(e, H_SI, (uintptr_t)c->buf->write);
    emit_rr(e, 0, 8, 0x01, H_R10, H_SI); /* add: the Site */
    emit_rm(e, 0, 4, 0x0fb6, H_AX, host_mem(H_SI, offsetof(Site, index)));
    emit_lea(e, 8, H_AX, (HostMem){H_R15, H_AX, 0, 1});
    emit_store(e, 8, VCPU(insns), H_AX);
    emit_mov(e, 8, H_DI, H_R14);
    emit_rr(e, 0, 4, 0xff, 2, H_R12); /* call r12 */
    emit_rr(e, 0, 8, 0x85, H_AX, H_AX); /* test */
    uint8_t *done = emit_jcc(e, 5);
    lean_reload(e);
    emit_mov(e, 4, H_R10, H_R13);
    emit_jmp_to(e, c->stub_final);
    emit_patch32(done, e->p);
    emit_load(e, 8, H_R15, VCPU(insns));
    emit_lean_end(c, e);
}

static void emit_stub_sel(TCache *c, Emit *e, LeanSelFn *helper)
{
    emit_rr(e, 0, 8, 0x83, 5, H_SP); /* sub rsp, 8 */
    emit8(e, 8);
    lean_spill(e);
    emit_mov(e, 4, H_SI, H_R11);
    emit_mov(e, 4, H_DX, H_R10);
    settle_pointers(c, e);
    emit_mov(e, 8, H_DI, H_R14);
    emit_mov_imm64(e, H_AX, (uintptr_t)helper);
    emit_rr(e, 0, 4, 0xff, 2, H_AX);
    emit_mov(e, 4, H_R10, H_AX);
    lean_reload(e);
    emit_rr(e, 0, 8, 0x83, 0, H_SP);
    emit8(e, 8);
    emit_rr(e, 0, 4, 0x83, 7, H_R10); /* cmp */
    emit8(e, LEAN_MOVED);
    emit8(e, 0xc3);
}

static void emit_stub_next(TCache *c, Emit *e)
{
    lean_spill(e);
    settle_pointers(c, e);
    emit_store(e, 8, VCPU(rip), H_R10);
    emit_store(e, 8, VCPU(insns), H_R15);
    emit_mov(e, 8, H_DI, H_R14);
    emit_mov_imm64(e, H_AX, (uintptr_t)lean_next);
    emit_rr(e, 0, 4, 0xff, 2, H_AX);
    emit_lean_end(c, e);
}

static void emit_stubs_lean(TCache *c, Emit *e)
{
    static LeanFn *const helper[LEAN_COUNT] = {
        [LEAN_SYSENTER] = lean_sysenter, [LEAN_SYSEXIT] = lean_sysexit, [LEAN_IRET] = lean_iret, [LEAN_INT] = lean_int,
    };
    uint8_t *body = e->p;
    emit_lean(c, e);
    for (unsigned n = 0; n < LEAN_COUNT; n++) {
        c->stub_lean[n] = e->p;
        emit_mov_imm64(e, H_R12, (uintptr_t)helper[n]);
        emit_jmp_to(e, body);
    }
}

static void align(Emit *e)
{
    while ((uintptr_t)e->p & 15)
        emit8(e, 0xcc);
}

void stubs_emit(TCache *c)
{
    Emit e = {.p = c->buf->code};

    G_STATIC_ASSERT(sizeof(JumpSlot) == 1 << JUMP_SLOT_SHIFT);
    c->host_mxcsr = MXCSR_HOST;
    c->enter = (EnterFn *)codebuf_exec(c->buf, e.p);
    uint8_t *bottom;
    emit_enter(&e, &bottom);

    align(&e);
    c->stub_final = e.p;
    emit_handler(c, &e);
    emit_mov(&e, 8, H_DI, H_R14);
    emit_mov_imm64(&e, H_AX, (uintptr_t)tcache_next);
    emit_rr(&e, 0, 4, 0xff, 2, H_AX);
    emit_rr(&e, 0, 8, 0x83, 7, H_AX); /* cmp */
    emit8(&e, (uintptr_t)LEAN_LEAVE);
    uint8_t *goes_on = emit_jcc(&e, 5);
    emit_mov_imm32(&e, H_R13, LEFT_PLAIN);
    emit_return(&e);
    emit_patch32(goes_on, e.p);
    emit_mov(&e, 8, H_R11, H_AX);
    emit_load(&e, 8, H_SP, VCPU(host_sp));
    emit_load(&e, 8, H_R15, VCPU(insns));
    reload(&e);
    emit_rr(&e, 0, 4, 0xff, 4, H_R11); /* jmp r11 */

    align(&e);
    uint8_t *left_site = e.p;
    emit_mov_imm32(&e, H_R13, LEFT_SITE);
    emit_return(&e);

    align(&e);
    c->stub_call = e.p;
    emit_stub_call(c, &e, left_site, false);

    align(&e);
    c->stub_mode = e.p;
    emit_stub_call(c, &e, left_site, true);

    align(&e);
    c->stub_miss = e.p; /* the next entry may be the one: a call may have been made for its address only */
    emit_rm(&e, 0, 8, 0x3b, H_SP, VCPU(host_sp));
    uint8_t *empty = emit_jcc(&e, 4);
    emit_lea(&e, 8, H_SP, host_mem(H_SP, RETURN_BYTES));
    emit_rm(&e, 0, 4, 0x3b, H_R10, host_mem(H_SP, 8));
    uint8_t *other = emit_jcc(&e, 5);
    emit_mov(&e, 4, H_R13, H_R10);
    emit8(&e, 0xc3);
    emit_patch32(empty, e.p);
    emit_patch32(other, e.p);
    c->stub_indirect = e.p;
    emit_stub_indirect(c, &e);
    c->stub_leave = e.p;
    emit_store(&e, 8, VCPU(rip), H_R10);
    emit_mov_imm32(&e, H_R13, LEFT_PLAIN);
    spill(c, &e);
    settle_pointers(c, &e);
    emit_return(&e);

    align(&e);
    emit_patch32(bottom, e.p); /* eip in r13d */
    emit_mov(&e, 4, H_R10, H_R13);
    emit_jmp_to(&e, c->stub_leave);

    align(&e);
    c->stub_second = e.p;
    emit_store(&e, 8, VCPU(rip), H_R10);
    emit_mov_imm32(&e, H_R13, LEFT_SECOND);
    spill(c, &e);
    settle_pointers(c, &e);
    emit_return(&e);

    align(&e);
    c->stub_step = e.p;
    emit_store(&e, 8, VCPU(rip), H_R10);
    emit_mov_imm32(&e, H_R13, LEFT_STEP);
    spill(c, &e);
    settle_pointers(c, &e);
    emit_return(&e);

    align(&e);
    c->stub_full = e.p;
    emit8(&e, 0x41); /* pop r12 */
    emit8(&e, 0x5c);
    emit_load(&e, 8, H_SP, VCPU(host_sp));
    emit_lea(&e, 8, H_R11, host_mem(H_SP, -(int)(RETURNS * RETURN_BYTES)));
    emit_rm(&e, 0, 8, 0x87, H_R11, VCPU(host_sp_limit));
    emit_rm(&e, 0, 4, 0x83, 7, VCPU(attention));
    emit8(&e, 0);
    emit_rr(&e, 0, 4, 0xff, 4, H_R12);

    align(&e);
    c->stub_xmm = e.p;
    emit_stub_xmm(&e);

    align(&e);
    c->stub_x87 = e.p;
    emit_stub_x87(c, &e);

    align(&e);
    c->stub_seg = e.p;
    emit_stub_sel(c, &e, lean_seg_load);

    align(&e);
    c->stub_verw = e.p;
    emit_stub_sel(c, &e, lean_verw);

    align(&e);
    c->stub_next = e.p;
    emit_stub_next(c, &e);

    align(&e);
    emit_stubs_lean(c, &e);

    align(&e);
    c->stub_edge = e.p;
    emit_mov_imm64(&e, H_R13, (uintptr_t)c->buf->write);
    emit_rr(&e, 0, 8, 0x01, H_R10, H_R13);
    spill(c, &e);
    settle_pointers(c, &e);
    emit_return(&e);
    align(&e);

    c->buf->code = e.p;
    codebuf_keep(c->buf);
}

/*
 * Walks, descriptors, deliveries, operands in words. See explaindesc.h.
 */
#include "debug/explaindesc.h"

#include <Zydis/Zydis.h>
#include <string.h>

#include "cpu/desc.h"
#include "debug/cpuprint.h"
#include "debug/disasm.h"
#include "debug/memory.h"
#include "debug/pagewalk.h"

#define SAY(...) g_string_append_printf(out, __VA_ARGS__)
#define P32 "%08" G_GINT64_MODIFIER "x"

/* ---- memory ---- */

/* Does the table hold one value over and over: memory that was freed, poisoned or filled? */
static bool one_value(Vcpu *v, Gpa table)
{
    uint32_t e[64];
    debug_read_phys(v, table & PAGE_MASK, e, sizeof e);
    for (unsigned n = 1; n < G_N_ELEMENTS(e); n++)
        if (e[n] != e[0])
            return false;
    return e[0] != 0;
}

const char *explain_walk(Vcpu *v, GString *out, uint64_t addr)
{
    PageWalk w = pagewalk(v, addr);
    const char *guess = NULL;
    SAY("  0x" P32 " by the page tables at CR3=" P32 "%s:\n", addr, v->cr3, v->cr4 & CR4_PAE ? " (PAE)" : "");
    if (!w.levels) {
        SAY("    paging is off: the linear address is the physical one\n");
        return NULL;
    }
    for (int n = 0; n < w.levels; n++) {
        uint64_t e = w.level[n].entry;
        SAY("    %-5s %4u at " P32 " = " P32 ": ", w.level[n].name, w.level[n].index, w.level[n].addr, e);
        if (!w.level[n].in_memory) {
            SAY("there is no memory at that address\n");
            guess = n ? "a page directory entry points to memory that does not exist"
                      : "CR3 points outside memory: the page directory's physical address is wrong";
        } else if (!(e & 1)) {
            SAY("not present%s\n", e ? "" : " (the entry is 0)");
            if (one_value(v, w.level[n].addr))
                guess = "the page table holds one repeated value: it was freed, or overwritten, while still in use";
        } else if (w.level[n].reserved) {
            SAY("present, but reserved bits are set\n");
            guess = one_value(v, w.level[n].addr)
                        ? "the page table holds one repeated value: it was freed, or overwritten, while still in use"
                        : "a page table entry has reserved bits set: it is damaged, or not a page table entry at all";
        } else {
            bool last = n == w.levels - 1;
            SAY("present, %s%s%s\n", e & 2 ? "writable" : "read-only", e & 4 ? ", user" : ", supervisor only",
                last ? (w.large ? ", large page" : "") : "");
            if (one_value(v, w.level[n].addr) && !(last && w.large))
                guess = "the page table holds one repeated value: it was freed, or overwritten, while still in use";
        }
    }
    if (w.ok)
        SAY("    physical " P32 "; all levels together: %s, %s\n", w.gpa, w.writable ? "writable" : "read-only",
            w.user ? "user" : "supervisor only");
    return guess;
}

static bool mapped(Vcpu *v, uint64_t addr)
{
    Gpa gpa;
    return debug_translate(v, addr, &gpa);
}

/* ---- descriptors ---- */

/* The 8 bytes that sel names. False and words when they can't be had. */
static const char *read_descriptor(Vcpu *v, GString *out, uint16_t sel, Desc *d, bool *ok)
{
    bool local = sel & SEL_TI;
    uint64_t base = local ? v->ldtr.base : v->gdtr.base, limit = local ? v->ldtr.limit : v->gdtr.limit;
    const char *table = local ? "LDT" : "GDT";
    uint32_t raw[2];
    *ok = false;
    if (!(sel & ~3)) {
        SAY("    selector %04x is null\n", sel);
        return "a null selector where a segment is needed";
    }
    if ((sel | 7u) > limit) {
        SAY("    selector %04x: entry %u of the %s, which has only %u (base " P32 ", limit %04x)\n", sel, sel >> 3,
                table,
            (unsigned)(limit + 1) / 8, base, (unsigned)limit);
        return limit < 8 ? "no GDT of the kernel's own is loaded" : "a selector beyond the end of the GDT";
    }
    if (debug_read(v, base + (sel & ~7u), raw, 8) < 8) {
        SAY("    selector %04x: its descriptor at " P32 " is not mapped\n", sel, base + (sel & ~7u));
        return "the GDT is not mapped in the page tables";
    }
    *d = (Desc){.addr = base + (sel & ~7u), .lo = raw[0], .hi = raw[1], .sel = sel};
    *ok = true;
    return NULL;
}

const char *explain_selector(Vcpu *v, GString *out, uint16_t sel, bool for_code)
{
    Desc d;
    bool ok;
    const char *guess = read_descriptor(v, out, sel, &d, &ok);
    if (!ok)
        return guess;
    SAY("    selector %04x: descriptor %08x%08x: base %08x, limit %08x, DPL %u, %s, %s\n", sel, d.hi, d.lo,
            desc_base(&d), desc_limit(&d),
        desc_dpl(&d), !desc_is_segment(&d) ? "a system descriptor" : desc_is_code(&d) ? "code" : "data",
        desc_present(&d) ? "present" : "NOT present");
    if (!d.lo && !d.hi)
        return "an empty GDT entry (all zeros) is used";
    if (!desc_present(&d))
        return "the descriptor's present bit is clear: its access byte is wrong";
    if (for_code && !desc_is_code(&d))
        return "a data or system segment is used as code: wrong selector, or the GDT's entries are in another order";
    if (!for_code && !desc_is_segment(&d))
        return "a system descriptor is used as a segment";
    if (!for_code && desc_is_code(&d) && !desc_is_readable(&d))
        return "an execute-only code segment is used for data";
    return NULL;
}

/* ---- delivery ---- */

/* Is there room for a few pushes below SS:sp, in a segment with base? */
static const char *check_push(Vcpu *v, GString *out, const char *whose, uint64_t base, uint32_t sp, bool from_tss)
{
    uint64_t addr = (base + sp - 4) & 0xffffffff;
    PageWalk w = pagewalk(v, addr);
    bool writable = w.ok && (w.writable || !(v->cr0 & CR0_WP));
    SAY("    pushes go to %s, ESP=%08x: ", whose, sp);
    if (writable && w.ok) {
        Region *r = bus_find(v->mem, w.gpa, NULL);
        SAY("%s\n", r && r->kind == REGION_RAM ? "mapped and writable" : "mapped, but not to RAM");
        return r && r->kind == REGION_RAM ? NULL : "the stack does not lie in RAM";
    }
    SAY("0x" P32 " is %s\n", addr, w.ok ? "read-only" : "not mapped");
    explain_walk(v, out, addr);
    if (from_tss)
        return sp == 0 ? "ESP0 in the TSS is 0: it was never set to the kernel stack's top"
                : "the kernel stack in the TSS is not mapped";
    if (!w.ok && mapped(v, addr + PAGE_SIZE))
        return "stack overflow: ESP has run below the stack's lowest page (deep recursion, or large local variables)";
    return "ESP does not point to a stack: it was never set up, or is damaged";
}

static const char *check_inner_stack(Vcpu *v, GString *out, unsigned cpl)
{
    uint32_t esp = 0;
    uint16_t ss = 0;
    bool is32 = v->tr.attr & 8;
    uint64_t at = v->tr.base + (is32 ? 4 + 8 * cpl : 2 + 4 * cpl);
    if (!(v->tr.sel & ~3) || v->tr.null) {
        SAY("    the stack comes from the TSS, but TR=%04x: no TSS is loaded\n", v->tr.sel);
        return "no TSS: LTR was never executed, so there is no kernel stack to come back to from user mode";
    }
    if (debug_read(v, at, &esp, is32 ? 4 : 2) < (is32 ? 4u : 2u) || debug_read(v, at + (is32 ? 4 : 2), &ss, 2) < 2) {
        SAY("    the TSS at " P32 " is not mapped\n", v->tr.base);
        return "the TSS is not mapped in the page tables";
    }
    SAY("    the TSS at " P32 " gives SS%u=%04x ESP%u=%08x\n", v->tr.base, cpl, ss, cpl, esp);
    if (!(ss & ~3))
        return "SS0 in the TSS is 0: it must be the kernel's data selector";
    Desc d;
    bool ok;
    const char *guess = read_descriptor(v, out, ss, &d, &ok);
    if (!ok)
        return guess;
    if (!desc_is_writable(&d) || !desc_present(&d) || desc_dpl(&d) != cpl || SEL_RPL(ss) != cpl) {
        explain_selector(v, out, ss, false);
        return "SS0 in the TSS is not a writable data segment of ring 0";
    }
    return check_push(v, out, "the TSS's kernel stack", desc_base(&d), esp, true);
}

static const char *real_mode(Vcpu *v, GString *out, unsigned vector)
{
    if (vector * 4u + 3 > v->idtr.limit) {
        SAY("    IDTR limit is %04x: no room for vector %u of the real-mode table\n", v->idtr.limit, vector);
        return v->idtr.limit == 0 ? "the IDT limit is 0 (some systems reboot this way on purpose)"
                : "the interrupt table's limit is too small";
    }
    return check_push(v, out, "the real-mode stack", v->seg[S_SS].base, v->gpr[R_SP].w, false);
}

const char *explain_delivery(Vcpu *v, GString *out, unsigned vector, unsigned cpl, const Symbols *symbols)
{
    const char *name = vector_name(vector), *guess;
    uint32_t raw[2];
    SAY("  entering the handler of %s (vector %u):\n", name ? name : "the interrupt", vector);
    if (!vcpu_protected(v))
        return real_mode(v, out, vector);
    SAY("    IDT at " P32 ", limit %04x", v->idtr.base, v->idtr.limit);
    if (vector * 8 + 7 > v->idtr.limit) {
        SAY(": entry %u lies beyond it\n", vector);
        if (v->idtr.limit == 0)
            return "the IDT limit is 0: no IDT was loaded (some systems reboot this way on purpose)";
        return "the IDT is too short: its limit must be 8 times the number of vectors, less 1";
    }
    if (v->idtr.base == 0 && v->idtr.limit == 0x3ff && (debug_read(v, vector * 8, raw, 8) < 8 ||
            (raw[1] & 0x1f00) != 0xe00)) {
        SAY(": that is still the real-mode table\n");
        return "no IDT was loaded since real mode: LIDT must come before the first exception or STI";
    }
    if (debug_read(v, v->idtr.base + vector * 8, raw, 8) < 8) {
        SAY(": entry %u is not mapped\n", vector);
        explain_walk(v, out, v->idtr.base + vector * 8);
        return "the IDT is not mapped in the page tables";
    }
    Desc gate = {.lo = raw[0], .hi = raw[1]}, cs;
    unsigned type = desc_type(&gate);
    SAY("; entry %u = %08x%08x: ", vector, gate.hi, gate.lo);
    if (!raw[0] && !raw[1]) {
        SAY("empty\n");
        return "the IDT has no handler for this vector (the entry is all zeros)";
    }
    if (desc_is_segment(&gate) || (type != DESC_TASK_GATE && (type & 6) != 6)) {
        SAY("type %x is no gate\n", (gate.hi >> 8) & 0x1f);
        return "the IDT entry's type is wrong: 8e is a 32-bit interrupt gate";
    }
    if (!desc_present(&gate)) {
        SAY("not present\n");
        return "the IDT entry's present bit is clear: its access byte must be 8e, for example";
    }
    SAY("%s to %04x:%08x", type == DESC_TASK_GATE ? "a task gate" : type & 1 ? "a trap gate" : "an interrupt gate",
            gate_sel(&gate),
        gate_offset(&gate));
    symbols_append(symbols, out, gate_offset(&gate));
    SAY("\n");
    if (type == DESC_TASK_GATE) {
        guess = explain_selector(v, out, gate_sel(&gate), false);
        return guess ? "the task gate's TSS is not usable" : NULL;
    }
    bool ok;
    guess = read_descriptor(v, out, gate_sel(&gate), &cs, &ok);
    if (!ok || !desc_is_code(&cs) || !desc_present(&cs)) {
        if (ok)
            explain_selector(v, out, gate_sel(&gate), true);
        return "the IDT entry's selector is not the kernel's code segment: the GDT is not the one that it was written for";
    }
    unsigned new_cpl = desc_is_conforming(&cs) ? cpl : desc_dpl(&cs);
    guess = new_cpl < cpl ? check_inner_stack(v, out, new_cpl)
                          : check_push(v, out, "the present stack", v->seg[S_SS].base, v->gpr[R_SP].d & v->sp_mask,
                                  false);
    if (guess)
        return guess;
    if (gate_offset(&gate) > desc_limit(&cs))
        return "the handler's address lies beyond its code segment's limit";
    if (!mapped(v, desc_base(&cs) + gate_offset(&gate))) {
        SAY("    the handler itself is not mapped:\n");
        explain_walk(v, out, desc_base(&cs) + gate_offset(&gate));
        return "the exception handler itself is not mapped in these page tables: it faults at its first instruction, again and again";
    }
    return NULL;
}

/* ---- the instruction ---- */

static uint64_t reg_value(const Vcpu *v, ZydisRegister r)
{
    ZydisRegister full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LEGACY_32, r);
    if (full >= ZYDIS_REGISTER_EAX && full <= ZYDIS_REGISTER_EDI) {
        uint32_t value = v->gpr[full - ZYDIS_REGISTER_EAX].d;
        if (r >= ZYDIS_REGISTER_AH && r <= ZYDIS_REGISTER_BH)
            return value >> 8 & 0xff;
        return r >= ZYDIS_REGISTER_AL && r <= ZYDIS_REGISTER_BL ? value & 0xff : r >= ZYDIS_REGISTER_AX &&
                r <= ZYDIS_REGISTER_DI ? value & 0xffff : value;
    }
    switch (r) {
    case ZYDIS_REGISTER_ES: return v->seg[S_ES].sel;
    case ZYDIS_REGISTER_CS: return v->seg[S_CS].sel;
    case ZYDIS_REGISTER_SS: return v->seg[S_SS].sel;
    case ZYDIS_REGISTER_DS: return v->seg[S_DS].sel;
    case ZYDIS_REGISTER_FS: return v->seg[S_FS].sel;
    case ZYDIS_REGISTER_GS: return v->seg[S_GS].sel;
    case ZYDIS_REGISTER_CR0: return v->cr0;
    case ZYDIS_REGISTER_CR2: return v->cr2;
    case ZYDIS_REGISTER_CR3: return v->cr3;
    case ZYDIS_REGISTER_CR4: return v->cr4;
    default: return 0;
    }
}

static int seg_number(ZydisRegister r)
{
    switch (r) {
    case ZYDIS_REGISTER_ES: return S_ES;
    case ZYDIS_REGISTER_CS: return S_CS;
    case ZYDIS_REGISTER_SS: return S_SS;
    case ZYDIS_REGISTER_FS: return S_FS;
    case ZYDIS_REGISTER_GS: return S_GS;
    default: return S_DS;
    }
}

static void say_register(Vcpu *v, GString *out, ZydisRegister reg, unsigned bits)
{
    SAY("    %s = %0*" G_GINT64_MODIFIER "x\n", ZydisRegisterGetString(reg), bits / 4, reg_value(v, reg));
}

static void say_operand(Vcpu *v, GString *out, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
    if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
        say_register(v, out, op->reg.value, op->size);
    } else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
        int seg = seg_number(op->mem.segment);
        uint64_t mask = insn->address_width == 16 ? 0xffff : 0xffffffff, value = 0;
        uint64_t ea = (op->mem.base ? reg_value(v, op->mem.base) : 0) + (op->mem.index ? reg_value(v,
                op->mem.index) * op->mem.scale : 0) +
                      (op->mem.disp.has_displacement ? (uint64_t)op->mem.disp.value : 0);
        ea &= mask;
        uint64_t addr = (v->seg[seg].base + ea) & 0xffffffff;
        unsigned bytes = MIN(op->size / 8, 8);
        if (op->mem.base)
            say_register(v, out, op->mem.base, insn->address_width);
        if (op->mem.index)
            say_register(v, out, op->mem.index, insn->address_width);
        SAY("    memory at %s:%08" G_GINT64_MODIFIER "x (linear " P32 ")", ZydisRegisterGetString(op->mem.segment),
                ea, addr);
        if (bytes && debug_read(v, addr, &value, bytes) == bytes)
            SAY(" = %0*" G_GINT64_MODIFIER "x\n", (int)bytes * 2, value);
        else
            SAY(" can't be read\n");
        if (v->seg[seg].null && !vcpu_realish(v))
            SAY("    %s holds a null selector\n", ZydisRegisterGetString(op->mem.segment));
        else if (ea > v->seg[seg].limit && !(v->seg[seg].attr & SEG_E))
            SAY("    beyond the segment's limit %08x\n", v->seg[seg].limit);
    }
}

/* The frame that IRET or a far return would take. */
static const char *say_frame(Vcpu *v, GString *out, bool iret, unsigned bytes)
{
    uint8_t raw[20] = {0};
    uint32_t word[5] = {0};
    uint64_t addr = (v->seg[S_SS].base + (v->gpr[R_SP].d & v->sp_mask)) & 0xffffffff;
    size_t got = debug_read(v, addr, raw, bytes * 5);
    for (unsigned n = 0; n < 5; n++)
        memcpy(&word[n], raw + n * bytes, bytes);
    if (got < bytes * (iret ? 3 : 2)) {
        SAY("    its frame at " P32 " can't be read\n", addr);
        return "IRET with a stack pointer that does not point to a frame";
    }
    SAY("    its frame at " P32 ": EIP=%08x CS=%04x", addr, word[0], word[1] & 0xffff);
    if (iret)
        SAY(" EFLAGS=%08x", word[2]);
    bool outer = SEL_RPL(word[1]) > v->cpl && !(iret && (word[2] & FL_VM));
    unsigned at = iret ? 3 : 2;
    if (outer)
        SAY(" ESP=%08x SS=%04x (to ring %u)", word[at], word[at + 1] & 0xffff, SEL_RPL(word[1]));
    SAY("\n");
    const char *bad = "the frame on the stack is not an IRET frame: an error code not popped, a push too many, or a wrong selector";
    if (!vcpu_protected(v) || (iret && (v->flags & FL_NT)))
        return iret && (v->flags & FL_NT)
                ? "IRET with NT set means a task switch: the frame's EFLAGS or a POPF set NT by mistake" : NULL;
    if (SEL_RPL(word[1]) < v->cpl || explain_selector(v, out, word[1], true))
        return bad;
    if (outer && explain_selector(v, out, word[at + 1], false))
        return "the frame's SS for user mode is wrong";
    return NULL;
}

const char *explain_insn(Vcpu *v, GString *out, uint64_t rip, const Symbols *symbols)
{
    unsigned code_size = v->seg[S_CS].attr & SEG_DB ? 4 : 2;
    uint64_t addr = (v->seg[S_CS].base + rip) & 0xffffffff;
    uint8_t bytes[15];
    ZydisDecoder decoder;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
    size_t n = debug_read(v, addr, bytes, sizeof bytes);

    SAY("The instruction:\n  ");
    disasm_line(out, v, addr, code_size, symbols);
    if (!n) {
        const char *guess = explain_walk(v, out, addr);
        if (guess)
            return guess;
        return "EIP itself is not mapped: paging was turned on (or CR3 loaded) with tables that do not map the running code, or a "
               "wild jump or return";
    }
    ZydisDecoderInit(&decoder, code_size == 4 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                     code_size == 4 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, n, &insn, ops)))
        return NULL;
    for (unsigned k = 0; k < insn.operand_count_visible; k++)
        say_operand(v, out, &insn, &ops[k]);
    unsigned width = insn.operand_width / 8;
    switch (insn.mnemonic) {
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
        return say_frame(v, out, true, width == 2 ? 2 : 4);
    default:
        if (insn.mnemonic == ZYDIS_MNEMONIC_RET && insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
            return say_frame(v, out, false, width == 2 ? 2 : 4);
    }
    bool loads_seg = insn.operand_count_visible && ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            ops[0].reg.value >= ZYDIS_REGISTER_ES &&
                     ops[0].reg.value <= ZYDIS_REGISTER_GS && insn.mnemonic == ZYDIS_MNEMONIC_MOV &&
                             vcpu_protected(v);
    if (loads_seg && ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER)
        return explain_selector(v, out, reg_value(v, ops[1].reg.value), false);
    if (insn.mnemonic == ZYDIS_MNEMONIC_JMP && insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR && vcpu_protected(v) &&
        ops[0].type == ZYDIS_OPERAND_TYPE_POINTER)
        return explain_selector(v, out, ops[0].ptr.segment, true);
    return NULL;
}

/*
 * Decoding, by Zydis: its instruction and operands are boiled down to an Insn.
 *
 * Rows that are not Zydis mnemonics (MOV_CR and the like) get numbers after its last one, so that one array maps
 * mnemonics to rows; which of them applies is told from the operands in row_of().
 */
#include "frontend/decode.h"

#include <Zydis/Zydis.h>
#include <glib.h>

enum {
    ZYDIS_MNEMONIC_MOV_SREG = ZYDIS_MNEMONIC_MAX_VALUE + 1, ZYDIS_MNEMONIC_MOV_CR, ZYDIS_MNEMONIC_MOV_DR, ZYDIS_MNEMONIC_STR_MOVSD,
    ZYDIS_MNEMONIC_STR_CMPSD, ZYDIS_MNEMONIC_JMP_FAR, ZYDIS_MNEMONIC_CALL_FAR, ZYDIS_MNEMONIC_RET_FAR,
    ZYDIS_MNEMONIC_PUSH_SREG, ZYDIS_MNEMONIC_POP_SREG, ZYDIS_MNEMONIC_MOVZX8, ZYDIS_MNEMONIC_MOVZX16,
    ZYDIS_MNEMONIC_MOVSX8, ZYDIS_MNEMONIC_MOVSX16, ZYDIS_MNEMONIC_IMUL2, ZYDIS_MNEMONIC_IMUL3, MNEMONIC_COUNT
};

#define OP(m, class, handler, rule, feature) [ZYDIS_MNEMONIC_##m] = ROW_##m,
#define OPT OP
static const uint16_t row_by_mnemonic[MNEMONIC_COUNT] = {
#include "frontend/insn.def"
};
#undef OP
#undef OPT

static bool is_class(const ZydisDecodedOperand *op, ZydisRegisterClass class)
{
    return op->type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass(op->reg.value) == class;
}

static InsnRow row_of(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *op)
{
    int m = z->mnemonic;
    bool far = z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
    bool string = z->meta.category == ZYDIS_CATEGORY_STRINGOP;

    switch (m) {
    case ZYDIS_MNEMONIC_MOV:
        if (is_class(&op[0], ZYDIS_REGCLASS_SEGMENT) || is_class(&op[1], ZYDIS_REGCLASS_SEGMENT))
            m = ZYDIS_MNEMONIC_MOV_SREG;
        else if (is_class(&op[0], ZYDIS_REGCLASS_CONTROL) || is_class(&op[1], ZYDIS_REGCLASS_CONTROL))
            m = ZYDIS_MNEMONIC_MOV_CR;
        else if (is_class(&op[0], ZYDIS_REGCLASS_DEBUG) || is_class(&op[1], ZYDIS_REGCLASS_DEBUG))
            m = ZYDIS_MNEMONIC_MOV_DR;
        break;
    case ZYDIS_MNEMONIC_PUSH:
        if (is_class(&op[0], ZYDIS_REGCLASS_SEGMENT))
            m = ZYDIS_MNEMONIC_PUSH_SREG;
        break;
    case ZYDIS_MNEMONIC_POP:
        if (is_class(&op[0], ZYDIS_REGCLASS_SEGMENT))
            m = ZYDIS_MNEMONIC_POP_SREG;
        break;
    case ZYDIS_MNEMONIC_MOVSD: m = string ? ZYDIS_MNEMONIC_STR_MOVSD : m; break;
    case ZYDIS_MNEMONIC_CMPSD: m = string ? ZYDIS_MNEMONIC_STR_CMPSD : m; break;
    case ZYDIS_MNEMONIC_JMP: m = far ? ZYDIS_MNEMONIC_JMP_FAR : m; break;
    case ZYDIS_MNEMONIC_CALL: m = far ? ZYDIS_MNEMONIC_CALL_FAR : m; break;
    case ZYDIS_MNEMONIC_RET: m = far ? ZYDIS_MNEMONIC_RET_FAR : m; break;
    case ZYDIS_MNEMONIC_MOVZX: m = op[1].size == 8 ? ZYDIS_MNEMONIC_MOVZX8 : ZYDIS_MNEMONIC_MOVZX16; break;
    case ZYDIS_MNEMONIC_MOVSX: m = op[1].size == 8 ? ZYDIS_MNEMONIC_MOVSX8 : ZYDIS_MNEMONIC_MOVSX16; break;
    case ZYDIS_MNEMONIC_IMUL:
        if (z->operand_count_visible == 2)
            m = ZYDIS_MNEMONIC_IMUL2;
        else if (z->operand_count_visible == 3)
            m = ZYDIS_MNEMONIC_IMUL3;
        break;
    default: break;
    }
    return row_by_mnemonic[m];
}

/* Where control leaves, or where something changes that later instructions were decoded or fetched under. */
static bool ends_block(const ZydisDecodedInstruction *z, InsnRow row)
{
    switch (z->meta.category) {
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
        return true;
    default:
        break;
    }
    switch (z->mnemonic) {
    case ZYDIS_MNEMONIC_HLT:
    case ZYDIS_MNEMONIC_INVLPG:
    case ZYDIS_MNEMONIC_WRMSR:
    case ZYDIS_MNEMONIC_LMSW:
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFD:
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
    case ZYDIS_MNEMONIC_RSM:
    case ZYDIS_MNEMONIC_JCXZ:
    case ZYDIS_MNEMONIC_JECXZ:
    case ZYDIS_MNEMONIC_LOOP:
    case ZYDIS_MNEMONIC_LOOPE:
    case ZYDIS_MNEMONIC_LOOPNE:
        return true;
    case ZYDIS_MNEMONIC_MOV:
        return insn_info[row].class == PRIVILEGED;
    default:
        return false;
    }
}

static uint16_t gpr_offset(ZydisRegister reg)
{
    int n = ZydisRegisterGetId(reg);
    if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
        return REG_OFFSET_H(reg - ZYDIS_REGISTER_AH);
    switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
        return REG_OFFSET(reg - ZYDIS_REGISTER_AL);
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
        return REG_OFFSET(n);
    default:
        return REG_OFFSET_NONE;
    }
}

static bool is_gpr(const ZydisDecodedOperand *op)
{
    if (op->type != ZYDIS_OPERAND_TYPE_REGISTER)
        return false;
    ZydisRegisterClass c = ZydisRegisterGetClass(op->reg.value);
    return c == ZYDIS_REGCLASS_GPR8 || c == ZYDIS_REGCLASS_GPR16 || c == ZYDIS_REGCLASS_GPR32 || c == ZYDIS_REGCLASS_GPR64;
}

static uint8_t segment_number(ZydisRegister seg)
{
    switch (seg) {
    case ZYDIS_REGISTER_ES: return S_ES;
    case ZYDIS_REGISTER_CS: return S_CS;
    case ZYDIS_REGISTER_SS: return S_SS;
    case ZYDIS_REGISTER_FS: return S_FS;
    case ZYDIS_REGISTER_GS: return S_GS;
    default: return S_DS;
    }
}

static void take_memory(Insn *i, const ZydisDecodedOperand *op)
{
    i->flags |= INSN_MEM;
    i->seg = segment_number(op->mem.segment);
    i->base = op->mem.base == ZYDIS_REGISTER_NONE ? REG_OFFSET_NONE : gpr_offset(op->mem.base);
    i->index = op->mem.index == ZYDIS_REGISTER_NONE ? REG_OFFSET_NONE : gpr_offset(op->mem.index);
    i->scale = op->mem.scale > 1 ? __builtin_ctz(op->mem.scale) : 0;
    i->disp = op->mem.disp.has_displacement ? (int32_t)op->mem.disp.value : 0;
    i->msize = MIN(op->size / 8, 255);
}

/* 'R', 'M', 'I' or 0 for the operand; fills in what it says. */
static char take_operand(Insn *i, const ZydisDecodedOperand *op, int n)
{
    switch (op->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
        if (is_class(op, ZYDIS_REGCLASS_XMM))
            i->flags |= INSN_XMM;
        if (!is_gpr(op))
            return 0;
        if (n == 0)
            i->dst = gpr_offset(op->reg.value);
        else if (n == 1)
            i->src = gpr_offset(op->reg.value);
        return 'R';
    case ZYDIS_OPERAND_TYPE_MEMORY:
        take_memory(i, op);
        return 'M';
    case ZYDIS_OPERAND_TYPE_POINTER:
        i->imm = op->ptr.offset;
        i->imm2 = op->ptr.segment;
        return 0;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
        if (n == 0 || i->row != ROW_ENTER) /* the one with two */
            i->imm = op->imm.value.u;
        if (n > 0)
            i->imm2 = op->imm.value.u;
        return 'I';
    default:
        return 0;
    }
}

static InsnForm form_of(char a, char b)
{
    switch (a) {
    case 'R': return b == 'R' ? FORM_RR : b == 'M' ? FORM_RM : b == 'I' ? FORM_RI : b ? FORM_X : FORM_R;
    case 'M': return b == 'R' ? FORM_MR : b == 'I' ? FORM_MI : b ? FORM_X : FORM_M;
    case 'I': return b ? FORM_X : FORM_I;
    default: return FORM_X;
    }
}

static unsigned opcode_of(const ZydisDecodedInstruction *z)
{
    switch (z->opcode_map) {
    case ZYDIS_OPCODE_MAP_0F: return 0x0f00 | z->opcode;
    case ZYDIS_OPCODE_MAP_0F38: return 0x3800 | z->opcode;
    case ZYDIS_OPCODE_MAP_0F3A: return 0x3a00 | z->opcode;
    default: return z->opcode;
    }
}

static void take_prefixes(Insn *i, const ZydisDecodedInstruction *z, unsigned code_size)
{
    bool size66 = false, size67 = false;
    i->seg = S_DS;
    for (int n = 0; n < z->raw.prefix_count; n++) {
        switch (z->raw.prefixes[n].value) {
        case 0x66: size66 = true; break;
        case 0x67: size67 = true; break;
        case 0xf0: i->flags |= INSN_LOCK; break;
        case 0xf2: i->rep = REP_F2; break;
        case 0xf3: i->rep = REP_F3; break;
        case 0x26: i->seg = S_ES; i->flags |= INSN_SEG_OVERRIDE; break;
        case 0x2e: i->seg = S_CS; i->flags |= INSN_SEG_OVERRIDE; break;
        case 0x36: i->seg = S_SS; i->flags |= INSN_SEG_OVERRIDE; break;
        case 0x3e: i->seg = S_DS; i->flags |= INSN_SEG_OVERRIDE; break;
        case 0x64: i->seg = S_FS; i->flags |= INSN_SEG_OVERRIDE; break;
        case 0x65: i->seg = S_GS; i->flags |= INSN_SEG_OVERRIDE; break;
        default: break;
        }
    }
    i->opsize = (code_size == 2) ^ size66 ? 2 : 4;
    i->asize = (code_size == 2) ^ size67 ? 2 : 4;
    i->amask = i->asize == 2 ? 0xffff : 0xffffffff;
}

static void decoder_init(ZydisDecoder *decoder, unsigned code_size, uint64_t features)
{
    if (code_size == 2)
        ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    else
        ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    decoder->decoder_mode[ZYDIS_DECODER_MODE_MPX] = ZYAN_FALSE;
    decoder->decoder_mode[ZYDIS_DECODER_MODE_CET] = ZYAN_FALSE;
    decoder->decoder_mode[ZYDIS_DECODER_MODE_WBNOINVD] = ZYAN_FALSE;
    decoder->decoder_mode[ZYDIS_DECODER_MODE_CLDEMOTE] = ZYAN_FALSE;
    decoder->decoder_mode[ZYDIS_DECODER_MODE_LZCNT] = features >> F_LZCNT & 1;
    decoder->decoder_mode[ZYDIS_DECODER_MODE_TZCNT] = features >> F_BMI1 & 1;
}

/* Does the CPU with these features have it? row: its row. */
static bool has_insn(const ZydisDecodedInstruction *z, InsnRow row, uint64_t features)
{
    if (z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY || row == ROW_INVALID || !(features >> insn_info[row].feature & 1))
        return false;
    return z->mnemonic != ZYDIS_MNEMONIC_NOP || z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT || (features >> F_NOPL & 1);
}

static DecodeResult result_of(ZyanStatus status, unsigned n)
{
    if (status == ZYDIS_STATUS_NO_MORE_DATA)
        return n >= 15 ? DECODE_TOO_LONG : DECODE_MORE;
    if (status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG)
        return DECODE_TOO_LONG;
    return ZYAN_SUCCESS(status) ? DECODE_OK : DECODE_INVALID;
}

static InsnLayout layout_of(const ZydisDecodedInstruction *z)
{
    unsigned behind = z->attributes & ZYDIS_ATTRIB_HAS_MODRM ? z->raw.modrm.offset
                    : z->raw.disp.size ? z->raw.disp.offset
                    : z->raw.imm[0].size ? z->raw.imm[0].offset : z->length;
    return (InsnLayout){
        .opcode_at = behind - 1, .has_modrm = z->attributes & ZYDIS_ATTRIB_HAS_MODRM,
        .disp_at = z->raw.disp.offset, .disp_size = z->raw.disp.size / 8,
        .imm_at = z->raw.imm[0].offset, .imm_size = z->raw.imm[0].size / 8, .more_imm = z->raw.imm[1].size > 0,
    };
}

DecodeResult insn_decode(const uint8_t *bytes, unsigned n, unsigned code_size, uint64_t features, Insn *out)
{
    return insn_decode_layout(bytes, n, code_size, features, out, &(InsnLayout){0});
}

DecodeResult insn_decode_layout(const uint8_t *bytes, unsigned n, unsigned code_size, uint64_t features, Insn *out, InsnLayout *layout)
{
    ZydisDecoder decoder;
    ZydisDecoderContext context;
    ZydisDecodedInstruction z;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];

    *out = (Insn){.row = ROW_INVALID, .len = 1, .base = REG_OFFSET_NONE, .index = REG_OFFSET_NONE, .flags = INSN_ENDS_BLOCK};
    decoder_init(&decoder, code_size, features);
    DecodeResult result = result_of(ZydisDecoderDecodeInstruction(&decoder, &context, bytes, n, &z), n);
    if (result != DECODE_OK)
        return result;
    if (z.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
        return DECODE_INVALID;
    unsigned ops = z.operand_count_visible;
    for (unsigned k = ops; k < 4; k++)
        op[k].type = ZYDIS_OPERAND_TYPE_UNUSED;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeOperands(&decoder, &context, &z, op, ops)))
        return DECODE_INVALID;

    InsnRow row = row_of(&z, op);
    if (!has_insn(&z, row, features))
        return DECODE_INVALID;

    out->row = row;
    out->len = z.length;
    out->opcode = opcode_of(&z);
    out->flags = 0;
    take_prefixes(out, &z, code_size);
    if (z.attributes & ZYDIS_ATTRIB_HAS_MODRM) {
        out->reg = z.raw.modrm.reg;
        out->rm = z.raw.modrm.rm;
    } else {
        out->reg = z.opcode & 7;
        if (row_by_mnemonic[z.mnemonic] != row && op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            ZydisRegisterGetClass(op[0].reg.value) == ZYDIS_REGCLASS_SEGMENT)
            out->reg = segment_number(op[0].reg.value); /* push es and the like */
    }
    char kind[3] = {0, 0, 0};
    for (unsigned k = 0; k < ops && k < 4; k++) {
        char c = take_operand(out, &op[k], k);
        if (k < 2)
            kind[k] = c ? c : 'x';
    }
    if (kind[0] == 'x')
        out->form = kind[1] == 'M' ? FORM_M : FORM_X;
    else
        out->form = form_of(kind[0], kind[1]);
    out->osize = ops && op[0].size ? MIN(op[0].size / 8, 255) : out->opsize;
    if (z.raw.imm[0].is_relative)
        out->imm = z.raw.imm[0].value.s;
    if (z.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (z.opcode & 0xf8) == 0xd8)
        out->imm2 = z.raw.modrm.mod << 6 | z.raw.modrm.reg << 3 | z.raw.modrm.rm;
    if (z.meta.category == ZYDIS_CATEGORY_INTERRUPT)
        out->flags |= INSN_SOFT_INT;
    if (ends_block(&z, row))
        out->flags |= INSN_ENDS_BLOCK;
    *layout = layout_of(&z);
    return DECODE_OK;
}

/* row_of() without operands: what it tells from them, opcodes tell too. */
static InsnRow row_by_opcode(const ZydisDecodedInstruction *z)
{
    unsigned opcode = opcode_of(z);
    switch (z->mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
        if (opcode == 0x8c || opcode == 0x8e)
            return ROW_MOV_SREG;
        if (opcode >> 8 == 0x0f)
            return opcode & 1 ? ROW_MOV_DR : ROW_MOV_CR;
        return ROW_MOV;
    case ZYDIS_MNEMONIC_PUSH: /* 06, 0E, 16, 1E; 0F A0, 0F A8 */
        return (opcode & 0xffe7) == 0x06 || (opcode & 0xfff7) == 0x0fa0 ? ROW_PUSH_SREG : ROW_PUSH;
    case ZYDIS_MNEMONIC_POP: /* 07, 17, 1F; 0F A1, 0F A9 */
        return (opcode & 0xffe7) == 0x07 || (opcode & 0xfff7) == 0x0fa1 ? ROW_POP_SREG : ROW_POP;
    case ZYDIS_MNEMONIC_MOVZX: return ROW_MOVZX8;
    case ZYDIS_MNEMONIC_MOVSX: return ROW_MOVSX8;
    case ZYDIS_MNEMONIC_IMUL: return ROW_IMUL;
    default: {
        ZydisDecodedOperand none[2] = {{.type = ZYDIS_OPERAND_TYPE_UNUSED}, {.type = ZYDIS_OPERAND_TYPE_UNUSED}};
        return row_of(z, none);
    }
    }
}

DecodeResult insn_peek(const uint8_t *bytes, unsigned n, unsigned code_size, uint64_t features, InsnPeek *out)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction z;

    *out = (InsnPeek){.row = ROW_INVALID, .len = 1};
    decoder_init(&decoder, code_size, features);
    DecodeResult result = result_of(ZydisDecoderDecodeInstruction(&decoder, NULL, bytes, n, &z), n);
    if (result != DECODE_OK)
        return result;
    out->known = true;
    out->len = z.length;
    out->rtm = z.meta.isa_ext == ZYDIS_ISA_EXT_RTM;
    InsnRow row = row_by_opcode(&z);
    if (!has_insn(&z, row, features))
        return DECODE_INVALID;
    if (z.meta.isa_ext == ZYDIS_ISA_EXT_SSE2 && !(features >> F_SSE2 & 1))
        return DECODE_INVALID; /* rows of MMX have SSE2's forms too */
    out->row = row;
    out->opcode = opcode_of(&z);
    for (int k = 0; k < z.raw.prefix_count; k++)
        if (z.raw.prefixes[k].value == 0xf3)
            out->f3 = true;
    if (z.raw.imm[0].is_relative) {
        out->jumps = true;
        out->target = z.raw.imm[0].value.s + z.length;
    }
    return DECODE_OK;
}

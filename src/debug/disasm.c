/*
 * Disassembly. See disasm.h.
 */
#include "debug/disasm.h"

#include <Zydis/Zydis.h>

#include "debug/memory.h"

unsigned disasm_bytes(GString *out, const uint8_t *bytes, unsigned n, uint64_t addr, unsigned code_size)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
    ZydisFormatter formatter;
    char text[256];

    ZydisDecoderInit(&decoder, code_size == 4 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                     code_size == 4 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, n, &insn, ops))) {
        g_string_append(out, "(bad)");
        return 1;
    }
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterFormatInstruction(&formatter, &insn, ops, insn.operand_count_visible, text, sizeof text, addr,
            NULL);
    g_string_append(out, text);
    return insn.length;
}

unsigned disasm_line(GString *out, Vcpu *v, uint64_t addr, unsigned code_size, const Symbols *symbols)
{
    uint8_t bytes[15];
    unsigned n = debug_read(v, addr, bytes, sizeof bytes);
    g_string_append_printf(out, "0x%08" G_GINT64_MODIFIER "x:  ", addr);
    if (!n) {
        g_string_append(out, "(not mapped)\n");
        return 0;
    }
    GString *text = g_string_new(NULL);
    unsigned len = disasm_bytes(text, bytes, n, addr, code_size);
    for (unsigned k = 0; k < MAX(len, 8); k++)
        g_string_append_printf(out, k < len ? "%02x " : "   ", bytes[MIN(k, n - 1)]);
    g_string_append_printf(out, " %s", text->str);
    symbols_append(symbols, out, addr);
    g_string_append_c(out, '\n');
    g_string_free(text, TRUE);
    return len;
}

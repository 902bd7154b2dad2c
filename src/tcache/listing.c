/*
 * Listings of blocks. See listing.h.
 */
#include "tcache/listing.h"

#include <Zydis/Zydis.h>

static void disassemble(GString *out, ZydisMachineMode mode, ZydisStackWidth width, const uint8_t *bytes, size_t size, uint64_t addr)
{
    ZydisDecoder decoder;
    ZydisFormatter formatter;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
    char text[128];

    ZydisDecoderInit(&decoder, mode, width);
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    for (size_t at = 0; at < size; at += insn.length) {
        g_string_append_printf(out, "0x%08" G_GINT64_MODIFIER "x:  ", addr + at);
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes + at, size - at, &insn, ops))) {
            g_string_append(out, "(bad)\n");
            return;
        }
        for (unsigned n = 0; n < MAX(insn.length, 10); n++)
            g_string_append_printf(out, n < insn.length ? "%02x " : "   ", bytes[MIN(at + n, size - 1)]);
        ZydisFormatterFormatInstruction(&formatter, &insn, ops, insn.operand_count_visible, text, sizeof text, addr + at, NULL);
        g_string_append_printf(out, " %s\n", text);
    }
}

void listing_guest(const TCache *c, const TransBlock *b, GString *out)
{
    bool wide = c->modes[b->mode].bits & MODE_CODE32;
    g_autofree uint8_t *bytes = g_malloc(b->bytes);
    unsigned room = MIN(b->bytes, PAGE_SIZE - ((uintptr_t)b->host & ~PAGE_MASK));

    memcpy(bytes, b->host, room);
    if (b->host2)
        memcpy(bytes + room, b->host2, b->bytes - room);
    disassemble(out, wide ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                wide ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16, bytes, b->bytes, b->eip);
}

void listing_host(const TCache *c, const TransBlock *b, GString *out)
{
    const uint8_t *from = ref_at(c, MIN(b->entry_p, b->entry_h));
    disassemble(out, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64, from, b->code_bytes, (uintptr_t)codebuf_exec(c->buf, from));
}

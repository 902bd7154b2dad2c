/*
 * The decode cache against insn_decode(): the same instructions, met again and again with other operands, in both code sizes.
 */
#include <glib.h>
#include <string.h>

#include "frontend/decodecache.h"
#include "vcpu.h"

#define INSN_MAX 15

static void assert_same(DecodeCache *d, const uint8_t *bytes, unsigned n, unsigned code_size, uint64_t features)
{
    Insn real, ours;
    DecodeResult want = insn_decode(bytes, n, code_size, features, &real);
    DecodeResult got = decodecache_decode(d, bytes, n, code_size, &ours);
    if (got == want && (want != DECODE_OK || memcmp(&real, &ours, offsetof(Insn, opcode) + sizeof real.opcode) == 0))
        return;
    g_autoptr(GString) text = g_string_new(NULL);
    for (unsigned k = 0; k < n; k++)
        g_string_append_printf(text, " %02x", bytes[k]);
    g_test_message("code size %u, bytes%s: %u, not %u; %s, not %s", code_size, text->str, got, want, insn_info[ours.row].name, insn_info[real.row].name);
    g_test_fail();
}

/* Every one- and two-byte opcode with every ModRM byte, some prefixes, and operands at random, three times in a row. */
static void test_opcodes(gconstpointer arg)
{
    static const int prefixes[] = {-1, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};
    unsigned code_size = GPOINTER_TO_UINT(arg);
    uint64_t features = ~0ull;
    GRand *r = g_rand_new_with_seed(5);
    DecodeCache *d = decodecache_new(features);

    for (unsigned opcode = 0; opcode < 512; opcode++) {
        for (unsigned modrm = 0; modrm < 256; modrm++) {
            int prefix = prefixes[g_rand_int_range(r, 0, G_N_ELEMENTS(prefixes))];
            for (unsigned time = 0; time < 3; time++) {
                uint8_t bytes[INSN_MAX];
                for (unsigned k = 0; k < INSN_MAX; k++)
                    bytes[k] = g_rand_int(r) >> 24;
                uint8_t *p = bytes;
                if (prefix >= 0)
                    *p++ = prefix;
                if (opcode >> 8)
                    *p++ = 0x0f;
                *p++ = opcode;
                *p++ = modrm;
                if (g_rand_int(r) & 1)
                    *p = 0x24 | (*p & 0xc0); /* a SIB byte that comes again */
                assert_same(d, bytes, INSN_MAX, code_size, features);
            }
        }
    }
    decodecache_free(d);
    g_rand_free(r);
}

/* Whatever bytes there are in this program, from each of them on; with fewer bytes than an instruction may have, too. */
static void test_program(gconstpointer arg)
{
    unsigned code_size = GPOINTER_TO_UINT(arg);
    static const uint64_t features[] = {~0ull, 1ull << F_386 | 1ull << F_486 | 1ull << F_FPU, ~(1ull << F_LZCNT | 1ull << F_BMI1 | 1ull << F_SSE2)};
    g_autofree char *text = NULL;
    gsize len;
    GRand *r = g_rand_new_with_seed(6);

    g_assert_true(g_file_get_contents("/proc/self/exe", &text, &len, NULL));
    for (unsigned f = 0; f < G_N_ELEMENTS(features); f++) {
        DecodeCache *d = decodecache_new(features[f]);
        gsize from = 0x1000, to = MIN(len - INSN_MAX, from + 300000);
        for (gsize at = from; at < to; at++)
            assert_same(d, (uint8_t *)text + at, g_rand_int_range(r, 0, 8) ? INSN_MAX : g_rand_int_range(r, 1, INSN_MAX), code_size, features[f]);
        decodecache_free(d);
    }
    g_rand_free(r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_data_func("/decodecache/opcodes/16", GUINT_TO_POINTER(2), test_opcodes);
    g_test_add_data_func("/decodecache/opcodes/32", GUINT_TO_POINTER(4), test_opcodes);
    g_test_add_data_func("/decodecache/program/16", GUINT_TO_POINTER(2), test_program);
    g_test_add_data_func("/decodecache/program/32", GUINT_TO_POINTER(4), test_program);
    return g_test_run();
}

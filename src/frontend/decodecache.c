/*
 * Decoding by memory. See decodecache.h.
 *
 * Nothing is known here of what instructions mean. Whether an opcode has a ModRM byte is learnt when it is met, and an entry is
 * kept only if it foretells what insn_decode() makes of the same head with other displacements and immediates.
 */
#include "frontend/decodecache.h"

#include <glib.h>
#include <string.h>

#define ENTRIES_LOG 13
#define KINDS_LOG 11
#define INSN_MAX 15

typedef enum HasModrm { MODRM_UNKNOWN, MODRM_NO, MODRM_YES } HasModrm;

/* What is the same for all heads with these prefixes, opcode, ModRM.mod and ModRM.reg, and has been tried. */
typedef struct Kind {
    uint64_t key;      /* 0: empty */
    uint64_t imm_mask; /* which bits of the sign-extended immediate are Insn.imm */
    bool imm2;         /* the immediate is Insn.imm2, too */
} Kind;

typedef struct Entry {
    uint64_t key;      /* 0: empty */
    InsnLayout layout;
    bool imm2;         /* as in Kind */
    Insn insn;         /* imm: the mask, if there is an immediate in the bytes */
} Entry;

struct DecodeCache {
    uint64_t features;
    uint8_t has_modrm[2][256]; /* by map (one-byte, 0F) and opcode */
    Kind kind[1 << KINDS_LOG];
    Entry entry[1 << ENTRIES_LOG];
};

/* What an instruction begins with. */
typedef struct Head {
    uint64_t key;
    uint64_t kind; /* key of the Kind */
    unsigned map, opcode;
    unsigned opcode_at; /* of the last opcode byte */
} Head;

DecodeCache *decodecache_new(uint64_t features)
{
    DecodeCache *d = g_new0(DecodeCache, 1);
    d->features = features;
    return d;
}

void decodecache_free(DecodeCache *d)
{
    g_free(d);
}

/* But for 67, which changes what the bytes behind ModRM are. */
static bool is_prefix(uint8_t byte)
{
    switch (byte) {
    case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: case 0x66: case 0xf0: case 0xf2: case 0xf3:
        return true;
    default:
        return false;
    }
}

static Head head_of(const DecodeCache *d, const uint8_t *bytes, unsigned code_size)
{
    const uint8_t *p = bytes;
    Head h = {.key = code_size};
    if (is_prefix(*p))
        h.key |= (uint64_t)*p++ << 8;
    if (*p == 0x0f) {
        h.map = 1;
        p++;
    }
    h.opcode = *p;
    h.opcode_at = p - bytes;
    h.key |= (uint64_t)h.map << 16 | (uint64_t)h.opcode << 24;
    h.kind = h.key;
    if (d->has_modrm[h.map][h.opcode] == MODRM_YES) {
        uint8_t modrm = p[1];
        h.key |= (uint64_t)modrm << 32;
        h.kind |= (uint64_t)(modrm & 0xf8) << 32;
        if (code_size == 4 && modrm < 0xc0 && (modrm & 7) == 4)
            h.key |= (uint64_t)p[2] << 40;
    }
    return h;
}

static unsigned hash_of(uint64_t key, unsigned bits)
{
    return key * 0x9e3779b97f4a7c15ull >> (64 - bits);
}

/* Sign-extended. */
static int64_t read_bytes(const uint8_t *p, unsigned size)
{
    switch (size) {
    case 1: return *(const int8_t *)p;
    case 2: return (int16_t)(p[0] | p[1] << 8);
    case 4: return (int32_t)(p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24);
    default: return 0;
    }
}

static void fill_in(const Entry *e, const uint8_t *bytes, Insn *out)
{
    *out = e->insn;
    if (e->layout.disp_size)
        out->disp = read_bytes(bytes + e->layout.disp_at, e->layout.disp_size);
    if (e->layout.imm_size) {
        out->imm = read_bytes(bytes + e->layout.imm_at, e->layout.imm_size) & e->insn.imm;
        if (e->imm2)
            out->imm2 = out->imm;
    }
}

static bool same_insn(const Insn *a, const Insn *b)
{
    return memcmp(a, b, offsetof(Insn, opcode) + sizeof a->opcode) == 0;
}

/* Bytes of the same head, with displacement and immediate of the byte first, then others. */
static void vary(const InsnLayout *l, uint8_t *bytes, uint8_t first, uint8_t others)
{
    memset(bytes + l->disp_at, first, l->disp_size);
    memset(bytes + l->imm_at, first, l->imm_size);
    if (l->disp_size)
        memset(bytes + l->disp_at + 1, others, l->disp_size - 1);
    if (l->imm_size)
        memset(bytes + l->imm_at + 1, others, l->imm_size - 1);
}

/* Does e foretell what bytes are? */
static bool foretells(const DecodeCache *d, const Entry *e, const uint8_t *bytes, unsigned code_size)
{
    Insn real, filled;
    if (insn_decode(bytes, INSN_MAX, code_size, d->features, &real) != DECODE_OK)
        return false;
    fill_in(e, bytes, &filled);
    return same_insn(&real, &filled);
}

static void use_kind(Entry *e, const Kind *k)
{
    e->imm2 = k->imm2;
    if (e->layout.imm_size)
        e->insn.imm = k->imm_mask;
}

/* What e, whose immediate is in e->insn still, has in common with others; false: displacement or immediate mean more than their value. */
static bool find_out(const DecodeCache *d, const Entry *e, const uint8_t *bytes, unsigned code_size, Kind *k)
{
    static const uint8_t fills[][2] = {{0x7f, 0x81}, {0x80, 0x7e}, {0x00, 0x00}, {0x35, 0xc2}};
    uint8_t varied[INSN_MAX];
    Entry tried = *e;
    Insn ones;

    memcpy(varied, bytes, INSN_MAX);
    vary(&e->layout, varied, 0xff, 0xff);
    if (insn_decode(varied, INSN_MAX, code_size, d->features, &ones) != DECODE_OK)
        return false;
    k->imm_mask = ones.imm;
    k->imm2 = e->layout.imm_size && e->insn.imm2 == (uint16_t)e->insn.imm && ones.imm2 == (uint16_t)ones.imm;
    use_kind(&tried, k);
    for (unsigned n = 0; n < G_N_ELEMENTS(fills); n++) {
        vary(&e->layout, varied, fills[n][0], fills[n][1]);
        if (!foretells(d, &tried, varied, code_size))
            return false;
    }
    return true;
}

/* bytes are insn, with layout l. */
static void learn(DecodeCache *d, const uint8_t *bytes, unsigned code_size, const Insn *insn, const InsnLayout *l)
{
    Head h = head_of(d, bytes, code_size);
    if (l->opcode_at != h.opcode_at)
        return; /* prefixes or a map that head_of() does not know */
    d->has_modrm[h.map][h.opcode] = l->has_modrm ? MODRM_YES : MODRM_NO;
    h = head_of(d, bytes, code_size);
    if (l->more_imm || l->disp_size > 4 || l->imm_size > 4)
        return;
    Entry e = {.key = h.key, .layout = *l, .insn = *insn};
    Kind *kind = &d->kind[hash_of(h.kind, KINDS_LOG)];
    if (kind->key != h.kind) {
        Kind k = {.key = h.kind};
        if (!find_out(d, &e, bytes, code_size, &k))
            return;
        *kind = k;
    }
    use_kind(&e, kind);
    Insn filled;
    fill_in(&e, bytes, &filled);
    if (same_insn(&filled, insn))
        d->entry[hash_of(h.key, ENTRIES_LOG)] = e;
}

DecodeResult decodecache_decode(DecodeCache *d, const uint8_t *bytes, unsigned n, unsigned code_size, Insn *out)
{
    uint8_t copy[INSN_MAX]; /* what is learnt must hold together, whoever writes there meanwhile */
    InsnLayout layout;

    if (n < INSN_MAX)
        return insn_decode(bytes, n, code_size, d->features, out);
    uint64_t key = head_of(d, bytes, code_size).key;
    const Entry *e = &d->entry[hash_of(key, ENTRIES_LOG)];
    if (G_LIKELY(e->key == key)) {
        fill_in(e, bytes, out);
        return DECODE_OK;
    }
    memcpy(copy, bytes, INSN_MAX);
    DecodeResult result = insn_decode_layout(copy, INSN_MAX, code_size, d->features, out, &layout);
    if (result == DECODE_OK)
        learn(d, copy, code_size, out, &layout);
    return result;
}

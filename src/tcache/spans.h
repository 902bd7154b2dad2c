/*
 * Spans: memory operands of a block that are checked together. See spans.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SPANS_MAX 12

struct Tr;

/* A register's value while a block is planned: an unknown one by number, and a constant. */
typedef struct RegSym {
    uint16_t sym;
    int32_t off;
} RegSym;

typedef struct Span {
    uint16_t sym;
    int32_t lo;     /* from sym to the first byte */
    uint16_t bytes;
    bool write;
    uint8_t first, last; /* instructions: the check is before first, the last operand is last's */
} Span;

/* An instruction's memory operands: its own, and the stack's. */
enum { SLOT_OPERAND, SLOT_STACK, SLOTS };

/* Choose spans: fills t->span, span_at and cover, and marks instructions that cannot fault any more. */
void spans_plan(struct Tr *t);
/*
 * Emit span's check as things are before instruction k; r13 = its host address. Where it fails a jump is emitted whose
 * displacement is returned; NULL: the rest of the block cannot name the span, nothing was emitted. Uses r10-r12 and flags.
 */
uint8_t *span_check(struct Tr *t, unsigned span, unsigned k);

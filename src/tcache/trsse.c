/*
 * SSE instructions: not translated in place yet.
 */
#include "tcache/translate.h"

void tr_sse(Tr *t, const Insn *i, const uint8_t *raw)
{
    g_assert_not_reached();
}

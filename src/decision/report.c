/*
 * The decision in words. See report.h.
 */
#include "decision/report.h"

void decision_append(const Vcpu *v, GString *out)
{
    Decision d = decide(v);
    HostLack lack = host_can_express(v);

    if (!decision_is_direct(d))
        g_string_append_printf(out, "translate: %s", decision_name(d));
    else if (lack != HOST_LACKS_NOTHING)
        g_string_append_printf(out, "direct in principle (%s), but this host can not show %s", decision_name(d),
                               host_lack_name(lack));
    else
        g_string_append(out, "direct");
}

static void segments_append(const Vcpu *v, GString *out)
{
    static const char names[S_COUNT][3] = { "es", "cs", "ss", "ds", "fs", "gs" };
    unsigned shadowed = decide_shadowed(v);

    g_string_append(out, "; segments unlike their descriptors:");
    for (unsigned n = 0; n < S_COUNT; n++)
        if (!(shadowed >> n & 1))
            g_string_append_printf(out, " %s", names[n]);
    if (shadowed == (1u << S_COUNT) - 1)
        g_string_append(out, " none");
}

void decision_print(const Vcpu *v, GString *out)
{
    g_string_append_printf(out, "state: CPL=%d CR0.PE=%d VM=%d IOPL=%u IF=%d", v->cpl, !!(v->cr0 & CR0_PE),
                           !!(v->flags & FL_VM), (v->flags & FL_IOPL) >> 12, !!(v->flags & FL_IF));
    if ((v->cr0 & CR0_PE) && !(v->flags & FL_VM)) /* elsewhere there are no descriptors */
        segments_append(v, out);
    g_string_append(out, "\ndecision: ");
    decision_append(v, out);
    g_string_append_c(out, '\n');
}

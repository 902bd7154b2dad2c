/*
 * Code in window form: its faults, what they cost, and which code is in that form. See winform.h.
 *
 * In order: single instructions that miss; faults; address spaces; beginning and end.
 */
#include "config.h"
#include "tcache/internal.h"

#include <asm/prctl.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "softmmu/window.h"

enum {
    HEATS = 1 << 16,    /* instructions that misses are counted of, by hash */
    HEAT_MAPPED = 1,    /* a fault that mapped something */
    HEAT_MISS = 60,     /* one that the slow path had to deal with */
    HEAT_HOT = 250,     /* translated in the other form */
    WAIT_MS = 500,      /* for the first time; then twice as long each time */
    WAIT_DOUBLINGS = 8,
    AGE_SYNCS = 256,    /* how often it is looked whether a wait is over */
    SPACES = 64,        /* address spaces that are watched computing, by hash */
    STRETCHES = 128,    /* of user code, after which one that traps too often begins anew */
    STRETCH_MIN = 60000, /* instructions between two traps, on average, of one that computes: a CR3 load costs a microsecond more */
    FAULT_INSNS = 10000, /* as long as a fault takes */
    TRIAL_INSNS = 50000000, /* promoted so long, an address space must have been worth it */
    TRIAL_SHARE = 10,   /* faults may have cost one part in so many */
};
#define PROMOTE_INSNS 5000000u /* user instructions that an address space has to run first */
#define HWCAP2_FSGSBASE 2u
#define TRAP_PF 14

/* An instruction in the other form for a while, and the block that has it. */
typedef struct Cooling {
    Hva host;
    uint32_t eip;
    uint16_t mode, heat;
    uint64_t flushes; /* the block is there no more when it is not TCacheStats.flushes */
    int64_t until;    /* us, monotonic */
} Cooling;

/* An address space. */
typedef struct WinSpace {
    uint64_t cr3;
    uint64_t insns, stretches; /* of user code lately */
    uint64_t total;            /* of an address space that is promoted: since then */
    uint64_t faults;
    unsigned failures;         /* times it was promoted in vain */
    bool promoted;
} WinSpace;

struct WinForm {
    WinNow now; /* winform.h */
    TCache *c;
    Windows *windows;
    TCacheWindow which;
    Window *window[2];
    GArray *access; /* WinAccess, by pc */
    uint8_t heat[HEATS], falls[HEATS];
    GArray *cooling;
    GArray *doomed; /* Ref of blocks to be dropped */
    unsigned syncs;
    WinSpace space[SPACES];
    WinSpace *here; /* that of this CR3 */
    struct sigaction before; /* what SIGSEGV did */
    uint64_t misses, retranslated, returned, promotions, demotions;
};

/* The cache whose code this thread runs: a signal has no other way to know. */
static GPrivate running;

/* ---- single instructions ---- */

static unsigned heat_of(const uint8_t *host)
{
    return ((uintptr_t)host * 0x9e3779b97f4a7c15u) >> 48;
}
G_STATIC_ASSERT(HEATS == 1 << 16);

bool winform_wanted(const TCache *c, const uint8_t *host)
{
    return c->win->heat[heat_of(host)] < HEAT_HOT;
}

/*
 * The instruction of a site faulted again. When it is too often its block goes, and the next one is in the other form there. Where all
 * code is to be in window form, for a test, only what finds no room is given the other.
 */
static void heat_up(WinForm *w, const Site *s, WindowFault fault)
{
    TCache *c = w->c;
    TransBlock *b = ref_at(c, s->block);
    unsigned by = fault == WINDOW_MAPPED ? HEAT_MAPPED : HEAT_MISS;
    if (!b->host || (w->which == TCACHE_WINDOW_ALL && fault != WINDOW_FULL))
        return; /* dropped already, or not to be */
    unsigned h = heat_of(b->host + (s->eip - b->eip));
    if (w->heat[h] + by < HEAT_HOT) {
        w->heat[h] += by;
        return;
    }
    unsigned falls = MIN(w->falls[h], WAIT_DOUBLINGS);
    if (w->heat[h] < HEAT_HOT) {
        Cooling cool = {b->host, b->eip, b->mode, h, c->stats.flushes, g_get_monotonic_time() + ((int64_t)WAIT_MS * 1000 << falls)};
        g_array_append_val(w->cooling, cool);
        w->falls[h] = falls + 1;
        w->retranslated++;
    }
    w->heat[h] = HEAT_HOT;
    g_array_append_val(w->doomed, s->block); /* it still runs */
    vcpu_attention(c->v, ATTN_STALE);
}

void winform_late(TCache *c)
{
    WinForm *w = c->win;
    for (unsigned n = 0; n < w->doomed->len; n++)
        transblock_drop(c, ref_at(c, g_array_index(w->doomed, Ref, n)));
    g_array_set_size(w->doomed, 0);
}

/* Waits that are over: what was hot may miss once. */
static void cool_down(WinForm *w)
{
    TCache *c = w->c;
    int64_t now = g_get_monotonic_time();
    for (unsigned n = 0; n < w->cooling->len;) {
        const Cooling *cool = &g_array_index(w->cooling, Cooling, n);
        if (now < cool->until) {
            n++;
            continue;
        }
        w->heat[cool->heat] = HEAT_HOT - HEAT_MISS;
        w->returned++;
        TransBlock *b = cool->flushes == c->stats.flushes ? transblock_find(c, cool->host, cool->eip, cool->mode, false) : NULL;
        if (b)
            transblock_drop(c, b);
        g_array_remove_index_fast(w->cooling, n);
    }
}

/* ---- faults ---- */

void winform_add(TCache *c, const WinAccess *a)
{
    g_array_append_vals(c->win->access, a, 1);
}

void winform_flush(WinForm *w)
{
    g_array_set_size(w->access, 0);
    g_array_set_size(w->doomed, 0);
}

static const WinAccess *access_at(const WinForm *w, uint32_t pc)
{
    unsigned low = 0, high = w->access->len;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        const WinAccess *a = &g_array_index(w->access, WinAccess, middle);
        if (a->pc == pc)
            return a;
        if (a->pc < pc)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void swap(greg_t *r, int a, int b)
{
    greg_t was = r[a];
    r[a] = r[b];
    r[b] = was;
}

/* True: it was an access by the window, and can go on. */
static bool on_access(TCache *c, greg_t *r)
{
    WinForm *w = c->win;
    uintptr_t code = (uintptr_t)codebuf_exec(c->buf, c->buf->write);
    uintptr_t pc = r[REG_RIP];
    if (!w || pc - code >= c->buf->size)
        return false;
    const WinAccess *a = access_at(w, pc - code);
    if (!a)
        return false;
    bool user = c->v->mmu_idx == MMU_USER;
    Window *window = w->window[user];
    const Site *site = ref_at(c, a->site);
    if (user && w->here)
        w->here->faults++;
    WindowFault fault = WINDOW_MISS;
    if (r[REG_TRAPNO] == TRAP_PF) /* else #GP, of a misaligned operand */
        fault = window_fault(window, (uint64_t)r[REG_CR2] - (uintptr_t)window_base(window), r[REG_ERR] & PF_W);
    if (fault == WINDOW_MAPPED) {
        heat_up(w, site, fault);
        return true;
    }
    w->misses++;
    if (a->fix & FIX_DI)
        swap(r, REG_RDI, REG_R10);
    if (a->fix & FIX_AX)
        swap(r, REG_RAX, REG_R8);
    if (a->fix & FIX_FLAGS) {
        uint32_t fl = r[REG_EFL];
        r[REG_RAX] = (fl & (FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF)) << 8 | CC_1 | (fl & FL_OF ? CC_OF : 0);
    }
    r[REG_RIP] = code + a->cold;
    heat_up(w, site, fault);
    return true;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    TCache *c = g_private_get(&running);
    int was = errno;
    if (c && on_access(c, ((ucontext_t *)context)->uc_mcontext.gregs)) {
        errno = was;
        return;
    }
    /* none of ours: what it does without us, when the instruction is tried again */
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigaction(sig, c && c->win ? &c->win->before : &dfl, NULL);
}

static void catch_faults(WinForm *w)
{
    struct sigaction now, ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, NULL, &now);
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_fault)
        return; /* another machine's, in this process */
    sigaction(SIGSEGV, &ours, &w->before);
}

/* ---- address spaces ---- */

static bool may_be_used(const Vcpu *v)
{
    return !v->log && !v->hooks && !(v->dr[7] & 0xff);
}

static WinSpace *space_of(WinForm *w, uint64_t cr3)
{
    WinSpace *s = &w->space[(cr3 >> 12 ^ cr3 >> 18 ^ cr3 >> 5) % SPACES];
    if (s->cr3 != cr3)
        *s = (WinSpace){.cr3 = cr3};
    return s;
}

static void use(WinForm *w, bool user, Window *window)
{
    w->window[user] = window;
    w->now.use[user] = window != NULL;
    w->now.base[user] = window ? window_base(window) : NULL;
}

/* What ran since this was called last was this address space's. */
static void take_stretches(WinForm *w)
{
    WinSpace *s = w->here;
    if (s) {
        s->insns += w->now.ran;
        s->total += w->now.ran;
        s->stretches += w->now.stretches;
    }
    w->now.ran = w->now.stretches = 0;
}

void winform_sync(TCache *c)
{
    WinForm *w = c->win;
    Vcpu *v = c->v;
    take_stretches(w);
    if (!may_be_used(v)) {
        use(w, false, NULL);
        use(w, true, NULL);
        return;
    }
    if (++w->syncs % AGE_SYNCS == 0 && w->cooling->len)
        cool_down(w);
    use(w, false, windows_super(w->windows));
    if (!w->here || w->here->cr3 != v->cr3)
        w->here = space_of(w, v->cr3);
    WinSpace *s = w->here;
    if (!s->promoted && w->which != TCACHE_WINDOW_ALL) {
        use(w, true, NULL);
        return;
    }
    Window *window = windows_user(w->windows, true);
    if (s->promoted && s->faults && !window_pages(window)) { /* nothing is as it was: another process has this CR3 now */
        windows_drop_user(w->windows);
        *s = (WinSpace){.cr3 = v->cr3};
        window = NULL;
    }
    use(w, true, window);
}

/* Is it worth its faults? */
static void judge(WinForm *w, WinSpace *s)
{
    uint64_t cost = s->faults * FAULT_INSNS;
    if (cost < TRIAL_INSNS && s->total < TRIAL_INSNS)
        return;
    if (cost > s->total / TRIAL_SHARE) {
        s->promoted = false;
        s->failures++;
        w->demotions++;
        windows_drop_user(w->windows);
        use(w, true, NULL);
    }
    s->total = s->faults = 0;
}

void winform_stretch(TCache *c)
{
    WinForm *w = c->win;
    WinSpace *s = w->here;
    w->now.stretches++;
    take_stretches(w);
    if (w->which == TCACHE_WINDOW_ALL || !s || !w->now.use[false])
        return;
    if (s->promoted) {
        judge(w, s);
        return;
    }
    uint64_t need = (uint64_t)PROMOTE_INSNS << MIN(s->failures, WAIT_DOUBLINGS);
    bool computes = s->insns / STRETCH_MIN >= s->stretches;
    if (computes && s->insns >= need) {
        Window *window = windows_user(w->windows, true);
        if (!window)
            return;
        s->promoted = true;
        s->total = s->faults = 0;
        w->promotions++;
        use(w, true, window);
    } else if (!computes && s->stretches >= STRETCHES) {
        s->insns = s->stretches = 0;
    }
}

/* ---- beginning and end ---- */

void winform_gs(WinForm *w, unsigned mmu_idx)
{
    void *base = w->now.base[mmu_idx];
    if (w->now.fsgsbase)
        __asm__ volatile("wrgsbase %0" : : "r"(base));
    else
        syscall(SYS_arch_prctl, ARCH_SET_GS, base);
    w->now.gs = base;
}

void winform_begin(TCache *c)
{
    g_private_set(&running, c);
    c->win->now.gs = NULL;
    windows_run_here(c->win->windows);
}

bool tcache_set_window(TCache *c, TCacheWindow which, unsigned budget, GError **error)
{
    Windows *windows = windows_new(c->v, budget, error);
    if (!windows)
        return false;
    WinForm *w = g_new0(WinForm, 1);
    w->c = c;
    w->windows = windows;
    w->which = which;
    w->now.fsgsbase = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
    w->access = g_array_new(FALSE, FALSE, sizeof(WinAccess));
    w->cooling = g_array_new(FALSE, FALSE, sizeof(Cooling));
    w->doomed = g_array_new(FALSE, FALSE, sizeof(Ref));
    catch_faults(w);
    c->win = w;
    c->fetch_generation = c->v->tlb_generation - 1; /* winform_sync() comes first */
    return true;
}

void winform_free(TCache *c)
{
    WinForm *w = c->win;
    if (!w)
        return;
    c->win = NULL;
    if (g_private_get(&running) == c)
        g_private_set(&running, NULL);
    transblock_flush(c); /* nothing is left that would look for them */
    windows_free(w->windows);
    g_array_unref(w->access);
    g_array_unref(w->cooling);
    g_array_unref(w->doomed);
    g_free(w);
}

void tcache_window_print(const TCache *c, GString *out)
{
    const WinForm *w = c->win;
    WindowsStats s;
    if (!w) {
        g_string_append(out, "no shadow windows (-accel translate,window=auto changes that)\n");
        return;
    }
    windows_stats(w->windows, &s);
    g_string_append_printf(out, "windows: %u of supervisors, %u of user code; %u mappings of %u\n", s.supers, s.users, s.mappings, s.budget);
    g_string_append_printf(out, "faults: %" G_GUINT64_FORMAT ", of which %" G_GUINT64_FORMAT " were the slow path's; pages mapped %" G_GUINT64_FORMAT
                           ", unmapped %" G_GUINT64_FORMAT ", made read-only %" G_GUINT64_FORMAT "; %" G_GUINT64_FORMAT " calls to the host\n",
                           s.faults, w->misses, s.mapped, s.unmapped, s.revoked, s.calls);
    g_string_append_printf(out, "tables compared %" G_GUINT64_FORMAT ", changed %" G_GUINT64_FORMAT "; windows emptied %" G_GUINT64_FORMAT
                           "; mappings refused %" G_GUINT64_FORMAT "\n", s.compared, s.changed, s.resets, s.refused);
    g_string_append_printf(out, "accesses by windows: %u places; instructions in the other form: %u now, %" G_GUINT64_FORMAT
                           " retranslated, %" G_GUINT64_FORMAT " given another chance\n", w->access->len, w->cooling->len, w->retranslated, w->returned);
    g_string_append_printf(out, "address spaces promoted %" G_GUINT64_FORMAT " times, demoted %" G_GUINT64_FORMAT "\n", w->promotions, w->demotions);
}

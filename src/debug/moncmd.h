/*
 * Between monitor.c and the files of commands. A command appends to out; args is what follows its name, without spaces
 * around it.
 */
#pragma once

#include "debug/monitor.h"

typedef struct MonCommand {
    const char *name, *args, *help; /* name: with its short forms, "quit|q" */
    void (*run)(Monitor *mon, const char *args, GString *out);
    bool moves; /* it stops or starts the machine itself */
} MonCommand;

struct Monitor {
    Machine *m;
    const Symbols *symbols;
    Tracer *tracer;
    Chardev *chr;
    unsigned buttons;     /* held by mouse_button */
    uint64_t examine_at;  /* where x goes on */
    unsigned format_size; /* as the last /FORMAT said, which holds until another comes */
    char format_letter;
    struct LineEdit *edit;
};

extern const MonCommand mon_commands[], mon_info[]; /* ended by a NULL name */

/* Is word, len bytes of it, one of the command's names? */
bool moncmd_is(const MonCommand *c, const char *word, size_t len);
/* "info WORD". */
void moncmd_info(Monitor *mon, const char *args, GString *out);
/* monmem.c */
void moncmd_x(Monitor *mon, const char *args, GString *out);
void moncmd_xp(Monitor *mon, const char *args, GString *out);
void moncmd_print(Monitor *mon, const char *args, GString *out);
void moncmd_gva2gpa(Monitor *mon, const char *args, GString *out);
void moninfo_mem(Monitor *mon, const char *args, GString *out);
void moninfo_tlb(Monitor *mon, const char *args, GString *out);
/* monboard.c */
void moninfo_block(Monitor *mon, const char *args, GString *out);
void moninfo_irq(Monitor *mon, const char *args, GString *out);
void moninfo_mtree(Monitor *mon, const char *args, GString *out);
void moninfo_pci(Monitor *mon, const char *args, GString *out);
void moninfo_pic(Monitor *mon, const char *args, GString *out);
void moninfo_qtree(Monitor *mon, const char *args, GString *out);
void moninfo_roms(Monitor *mon, const char *args, GString *out);
/* A number, register ($eip), symbol or expression at *p, which moves behind it. False: none, and out says what is wrong. */
bool monitor_expression(Monitor *mon, const char **p, uint64_t *value, GString *out);
